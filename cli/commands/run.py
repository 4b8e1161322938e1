"""The command ``jobquake run``: scenarios, run and judged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ... import lookup
from ...errors import UsageError
from ...experiments import Wanted, exit_code, experiments_of, run_experiments
from ...whole_file import write_whole
from .. import complete
from ..app_options import AppAsked, app_options
from ..options import (
    confirm_option,
    driver_option,
    earlier_option,
    expect_option,
    format_option,
    full_option,
    json_option,
    record_option,
    report_option,
    seed_option,
    time_option,
    toxiproxy_option,
)

if TYPE_CHECKING:
    from ...backends.system import Time
    from ...harness.run import Driver, Run


SECTION = "run"


@click.command("run")
@click.argument(
    "scenarios", nargs=-1, metavar="[SCENARIO[:VARIANT]]...", shell_complete=complete.scenarios
)
@click.option(
    "--backend",
    "backends",
    shell_complete=complete.backends,
    multiple=True,
    help="The queue to test [default: reference]; 'jobquake list' names them. May be repeated.",
)
@driver_option
@seed_option
@click.option("--all", "every", is_flag=True, help="Run every scenario that the driver can run.")
@toxiproxy_option
@time_option
@confirm_option
@report_option
@expect_option
@record_option
@format_option
@earlier_option
@json_option
@full_option
@app_options
def command(
    scenarios: tuple[str, ...],
    backends: tuple[str, ...],
    driver: Driver | None,
    seed: int,
    every: bool,
    toxiproxy: str,
    time: Time | None,
    confirm_s: float | None,
    report: Path,
    expect: Path | None,
    record: Path | None,
    formats: tuple[str, ...],
    earlier: tuple[Path, ...],
    as_json: bool,
    full: bool,
    app: AppAsked | None,
) -> int:
    """Run scenarios against a queue, or your own app, and judge the outcome.

    Without a name, the three main scenarios run. A scenario's controls run along with it: they
    lack the practice that the scenario is about, and pass only if the violation is detected.

    With --expect it exits with 1 if a guarantee breaks that the file does not name, or holds that
    it names: what is known may only shrink.

    Where pyproject.toml names an app in [tool.jobquake], that app is tested unless --backend or
    --driver sim asks for a queue.

    \b
    Examples:
      jobquake run
      jobquake run worker-kill-before-ack --driver sim --seed 7
      jobquake run --all --driver sim --backend reference-sqlite
      jobquake run --app shop.celery:app --task shop.charge --args '[1]'
      jobquake run --all --driver sim --expect known.toml
    """
    from ... import baseline
    from ...reports import differences, terminal

    known = baseline.read(expect) if expect else None
    earlier_known = baseline.read(record) if record and record.exists() else known

    def ended(runs: list[Run]) -> int:
        results = [run.result for run in runs]
        if record:
            write_whole(record, baseline.recorded(results, earlier_known))
            click.echo(f"written: {record}", err=as_json)
        if known is None:
            return exit_code(runs)
        differs = baseline.compare(results, known)
        differences.tell(differs, terminal.console(stderr=as_json))
        return baseline.code(results, differs)

    wanted = Wanted(tuple(dict.fromkeys(formats)), earlier, full)
    of_queue = bool(backends) or driver == "sim"
    if app is not None and (app.said or not of_queue):
        from ...harness.drivers.pace_of import can_leap

        time = time or app.time
        if of_queue:
            raise UsageError(
                "expected --app or a backend or the driver sim, found both; an app brings its own "
                "workers, so leave the others out"
            )
        runs = run_experiments(
            *app.experiments(
                scenarios, seed, every, lambda system: can_leap(system, time, toxiproxy)
            ),
            report,
            as_json,
            toxiproxy,
            wanted,
            time,
            confirm_s,
        )
        return ended(runs)
    adapters = [lookup.backend(name) for name in dict.fromkeys(backends or ("reference",))]
    if every and scenarios:
        raise UsageError(
            f"expected --all or scenarios by name, found --all and {scenarios[0]!r}; "
            "leave one of them out"
        )
    experiments = experiments_of(scenarios, seed, every, driver)
    runs = run_experiments(
        experiments, adapters, report, as_json, toxiproxy, wanted, time, confirm_s
    )
    return ended(runs)
