"""The command ``jobquake schema``: the JSON Schema of results."""

from __future__ import annotations

import click

SECTION = "tell"


@click.command("schema")
def command() -> int:
    """Print the JSON Schema of results, as 'run --json' and the format json write them."""
    from ...reports.results_json import schema

    click.echo(schema(), nl=False)
    return 0
