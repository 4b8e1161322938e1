"""The command ``jobquake doctor``: what is installed here, and how to get the rest."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from ...errors import ENVIRONMENT, EnvironmentFault
from ..app_options import AppAsked, app_named

if TYPE_CHECKING:
    from ...servers.doctor import Examined

SECTION = "look"
SERVERS = {"redis": "redis-server", "postgres": "postgres"}


@click.command("doctor")
@click.option("--start", is_flag=True, help="Also start and stop each server that is installed.")
@click.option(
    "--leap", is_flag=True, help="Also let each kind of sleeper sleep for an hour of leaping time."
)
@app_named
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(start: bool, leap: bool, app: AppAsked | None, as_json: bool) -> int:
    """Check which optional programs and packages are installed, or with --app your own app.

    Of an app it says which guarantees its configuration cannot give, and which setting decides.

    Without an app each program and package is tried, and what is missing comes with how to
    install it. Exits with 0 if ordinary runs work here (and, with --start, every server started;
    with --leap, everybody slept for an hour), otherwise with 3.

    \b
    Examples:
      jobquake doctor
      jobquake doctor --start
      jobquake doctor --leap
      jobquake doctor --app shop.celery:app --task shop.charge
    """
    if app is not None and app.said:
        return _look_at(app, as_json)
    import msgspec

    from ...reports import health, terminal
    from ...servers import doctor

    examined = doctor.examine(start)
    examined += leaping(examined, leap)
    if as_json:
        click.echo(msgspec.json.encode(examined))
    else:
        health.tell(examined, terminal.console())
    return 0 if doctor.fit(examined) else ENVIRONMENT


def leaping(examined: Iterable[Examined], everybody: bool) -> Iterator[Examined]:
    """Whether leaping time works here; for each kind of sleeper by itself, if for everybody."""
    from ...leap import self_test
    from ...servers.doctor import Examined

    without = "leaping time, so runs of real processes take as long as they say"
    get = "apt-get install gcc" if sys.platform == "linux" else "a machine that runs Linux"
    error = self_test.works()
    name = "leaping time"
    if error:
        yield Examined(name, "missing", False, error=error, without=without, get=get)
        return
    yield Examined(name, "here", False)
    here = {thing.name for thing in examined if thing.state == "here"}
    servers = [kind for kind, program in SERVERS.items() if program in here]
    try:
        for slept in self_test.sleep_all(servers) if everybody else ():
            what = f"{name}: {slept.name}"
            took = f"an hour in {slept.real_s:.2f} s"
            if slept.error:
                yield Examined(
                    what,
                    "broken",
                    False,
                    "",
                    took,
                    slept.error,
                    without,
                    "--time real",
                    slept.real_s,
                )
            else:
                yield Examined(what, "here", False, place=took)
    except EnvironmentFault as fault:
        yield Examined(name, "broken", False, "", "", str(fault), without, "--time real")


def _look_at(app: AppAsked, as_json: bool) -> int:
    """Which guarantees the configuration of that app cannot give."""
    import msgspec

    from ...reports import configuration, terminal

    system = app.system()
    findings = system.library.examine(system.looked)
    if as_json:
        click.echo(msgspec.json.encode([finding._asdict() for finding in findings]))
    else:
        configuration.tell(app.target, system.summary, findings, terminal.console())
    return 0
