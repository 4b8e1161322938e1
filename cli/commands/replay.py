"""The command ``jobquake replay``: a plan, run again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from ... import lookup
from ...errors import UsageError
from ...experiments import Experiment, Wanted, exit_code, packed_of, run_experiments
from .. import complete
from ..app_options import AppAsked, app_options
from ..options import (
    confirm_option,
    driver_option,
    format_option,
    full_option,
    json_option,
    report_option,
    time_option,
    toxiproxy_option,
)

if TYPE_CHECKING:
    from ...backends.adapter import Adapter
    from ...backends.system import Time
    from ...harness.run import Driver


SECTION = "run"


@click.command("replay")
@click.argument("what", metavar="STRING|RUN-FOLDER", shell_complete=complete.runs)
@click.option(
    "--backend",
    shell_complete=complete.backends,
    help="Use this backend instead of the one in the string.",
)
@driver_option
@toxiproxy_option
@time_option
@confirm_option
@report_option
@format_option
@json_option
@full_option
@app_options
def command(
    what: str,
    backend: str | None,
    driver: Driver | None,
    toxiproxy: str,
    time: Time | None,
    confirm_s: float | None,
    report: Path,
    formats: tuple[str, ...],
    as_json: bool,
    full: bool,
    app: AppAsked | None,
) -> int:
    """Run a plan again, from its replay string or its run folder.

    \b
    Examples:
      jobquake replay jobquake-runs/network-timeout-default-reference-sim-0
      jobquake replay 'jq1:...' --backend reference-redis
      jobquake replay 'jq1:...' --app shop.celery:app --task shop.charge --args '[1]'
    """
    from ...harness.result import OPTIONS
    from ...reports.plain import one_line

    packed, then = packed_of(what)
    if then:
        click.echo(f"then: {then.verdict}: {one_line(then.sentence)}", err=True)
    of_app = ":" in packed.backend and not backend
    if app is not None and (app.said or of_app):
        time = time or app.time
        if backend or driver == "sim":
            raise UsageError("expected --app or a backend or the driver sim, found both; leave one")
        adapter = cast("Adapter", app.any_system())
    elif of_app:
        known = then.environment.get(OPTIONS, "") if then else ""
        raise UsageError(
            "expected --app beside the plan of a run on an app, found none; add "
            + (one_line(known) or f"--app {packed.backend}, and --task and --args as they were")
        )
    else:
        adapter = lookup.backend(backend or packed.backend)
    chosen: Driver = driver or ("sim" if packed.driver == "sim" else "process")
    runs = run_experiments(
        [Experiment(packed.plan, then.control if then else None, chosen)],
        [adapter],
        report,
        as_json,
        toxiproxy,
        Wanted(tuple(dict.fromkeys(formats)), full=full),
        time,
        confirm_s,
    )
    return exit_code(runs)
