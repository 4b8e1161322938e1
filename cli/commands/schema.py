"""The command ``jobquake schema``: the JSON Schema of results."""

from __future__ import annotations

import click

SECTION = "tell"


@click.command("schema")
def command() -> int:
    """Print the JSON Schema of results.

    It describes what 'run --json' prints and what the format json writes.

    \b
    Example:
      jobquake schema > result.schema.json
    """
    from ...reports.results_json import schema

    click.echo(schema(), nl=False)
    return 0
