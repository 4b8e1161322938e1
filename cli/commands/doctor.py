"""The command ``jobquake doctor``: what is installed here, and how to get the rest."""

from __future__ import annotations

import click

from ...fault import ENVIRONMENT

SECTION = "look"


@click.command("doctor")
@click.option("--start", is_flag=True, help="Start and stop each server that is here, too.")
@click.option("--json", "as_json", is_flag=True, help="Findings as JSON on standard output.")
def command(start: bool, as_json: bool) -> int:
    """Say what of all that jobquake can use is here, and how to get the rest.

    Each thing is tried. Exits 0 if a run that asks for nothing special can be had here,
    and every server started; 3 if not.
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
