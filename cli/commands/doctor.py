"""The command ``jobquake doctor``: what is installed here, and how to get the rest."""

from __future__ import annotations

import click

from ...errors import ENVIRONMENT

SECTION = "look"


@click.command("doctor")
@click.option("--start", is_flag=True, help="Also start and stop each server that is installed.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(start: bool, as_json: bool) -> int:
    """Check which optional programs and packages are installed.

    Each is tried, and what is missing comes with how to install it. Exits with 0 if ordinary
    runs work here (and, with --start, every server started), otherwise with 3.

    \b
    Examples:
      jobquake doctor
      jobquake doctor --start
    """
    import msgspec

    from ...reports import health, terminal
    from ...servers import doctor

    examined = doctor.examine(start)
    if as_json:
        click.echo(msgspec.json.encode(examined))
    else:
        health.tell(examined, terminal.console())
    return 0 if doctor.fit(examined) else ENVIRONMENT
