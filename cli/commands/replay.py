"""The command ``jobquake replay``: a plan, run again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ... import lookup
from ...experiments import Experiment, Wanted, exit_code, packed_of, run_experiments
from ..options import (
    driver_option,
    format_option,
    json_option,
    report_option,
    time_option,
    toxiproxy_option,
)

if TYPE_CHECKING:
    from ...backends.system import Time
    from ...harness.run import Driver


SECTION = "run"


@click.command("replay")
@click.argument("what", metavar="STRING|RUN-FOLDER")
@click.option("--backend", help="Use this backend instead of the one in the string.")
@driver_option
@toxiproxy_option
@time_option
@report_option
@format_option
@json_option
def command(
    what: str,
    backend: str | None,
    driver: Driver | None,
    toxiproxy: str,
    time: Time | None,
    report: Path,
    formats: tuple[str, ...],
    as_json: bool,
) -> int:
    """Run a plan again, from its replay string or its run folder.

    \b
    Examples:
      jobquake replay jobquake-runs/network-timeout-default-reference-sim-0
      jobquake replay 'jq1:...' --backend reference-redis
    """
    from ...reports.plain import one_line

    packed, then = packed_of(what)
    if then:
        click.echo(f"then: {then.verdict}: {one_line(then.sentence)}", err=True)
    adapter = lookup.backend(backend or packed.backend)
    chosen: Driver = driver or ("sim" if packed.driver == "sim" else "process")
    runs = run_experiments(
        [Experiment(packed.plan, then.control if then else None, chosen)],
        [adapter],
        report,
        as_json,
        toxiproxy,
        Wanted(tuple(dict.fromkeys(formats))),
        time,
    )
    return exit_code(runs)
