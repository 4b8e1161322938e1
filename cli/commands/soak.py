"""The command ``jobquake soak``: thin. It shows how far the soak has come, and what it found."""

from __future__ import annotations

import shlex
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ... import lookup
from ...errors import EnvironmentFault
from ...experiments import check_writable
from ...quantities import SECONDS
from .. import complete
from ..live import live_page, ui_option, ui_port_option
from ..options import SOAK, confirm_option, full_option, seed_option, time_option
from ..os_errors import os_errors_told

if TYPE_CHECKING:
    from ...backends.system import Time
    from ...harness.plan.plan import Plan
    from ...harness.run import Driver, Run
    from ...harness.soak.soak import Soak, Violation

MIB = 1024 * 1024


SECTION = "run"


@click.command("soak")
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO]...", shell_complete=complete.scenarios)
@click.option(
    "--for", "for_s", type=SECONDS, default="10min", show_default=True, help="How long to run."
)
@click.option(
    "--backend", default="reference", show_default=True, shell_complete=complete.backends,
    help="The queue to test.",
)  # fmt: skip
@click.option(
    "--driver", type=click.Choice(["process", "sim"]), default="sim", show_default=True,
    help="Run on real processes, or in virtual time.",
)  # fmt: skip
@seed_option
@click.option(
    "--fresh",
    is_flag=True,
    help="Start each round with an empty queue instead of using one for all rounds.",
)
@time_option
@confirm_option
@ui_option
@ui_port_option
@click.option(
    "--metrics-host", default="127.0.0.1", show_default=True, help="Address for the metrics."
)
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65535),
    help="Serve Prometheus metrics on this port; 0 picks a free one.",
)
@click.option(
    "--report", type=click.Path(path_type=Path), default=SOAK, show_default=True,
    help="Folder for the state, the queue and the runs with findings.",
)  # fmt: skip
@full_option
def command(
    scenarios: tuple[str, ...],
    for_s: float,
    backend: str,
    driver: Driver,
    seed: int,
    fresh: bool,
    time: Time | None,
    confirm_s: float | None,
    ui: bool,
    ui_port: int,
    metrics_host: str,
    metrics_port: int | None,
    report: Path,
    full: bool,
) -> int:
    """Test one queue for hours: round after round of a scenario, each with another seed.

    The scenario is day-of-chaos unless you name others. The same queue lives through all rounds.
    Findings are printed and saved as they occur. Run the same command again to continue: with
    real processes on the same queue, in virtual time on a new one. The queue forgets completed
    jobs after five minutes, so that memory and disk use stay bounded. What leaping time has shown
    is repeated in real time, on an empty queue.

    \b
    Examples:
      jobquake soak --for 1h
      jobquake soak --for 8h --ui
      jobquake soak worker-kill-before-ack --for 8h --driver process
    """
    from ...backends.metrics.exported import exported
    from ...harness.confirm import CONFIRM_S
    from ...harness.result import EXIT
    from ...harness.run_folder import save
    from ...harness.soak.metrics import families
    from ...harness.soak.soak import begin, go_on, queue_of, remembered
    from ...live.seen import soaking
    from ...reports import html

    wanted = scenarios or ("day-of-chaos",)
    adapter = lookup.backend(backend)
    catalogue = {name: lookup.scenario(name) for name in wanted}
    for scenario in catalogue.values():
        lookup.driver_of(scenario, driver, driver)
    check_writable(report)
    with os_errors_told():
        latest = begin(report, wanted, adapter, driver, seed, fresh)

    def plan_of(name: str, of_seed: int) -> Plan:
        return catalogue[name].plan(of_seed)

    def keep(done: Run, number: int) -> None:
        page = html.page(done.result, done.plan, done.claims, done.history)
        save(done, report / f"round-{number}", {"report.html": page})

    def progress(soak: Soak) -> None:
        nonlocal latest
        for found in soak.found[len(latest.found) :]:
            _tell(found, soak, None if full else report)
        latest = soak
        if soak.rounds % (100 if driver == "sim" else 5) == 0:
            click.echo(_line(soak))

    with os_errors_told(), ExitStack() as opened:
        queue = opened.enter_context(queue_of(latest, report, adapter, time))
        if metrics_port is not None:
            measure = queue.measure if queue else lambda: None
            page = exported(measure, metrics_port, metrics_host, more=lambda: families(latest))
            click.echo(f"metrics {opened.enter_context(page)}")
        if latest.rounds:
            jobs = remembered(queue)
            on = f"on its queue, which remembers {jobs} jobs" if jobs else "on an empty queue"
            click.echo(f"continuing {on}: {_line(latest)}")
        stopped = opened.enter_context(live_page(ui, ui_port, lambda: soaking(report, for_s)))
        limit_s = CONFIRM_S if confirm_s is None else confirm_s
        try:
            soak = go_on(
                latest, report, for_s, plan_of, adapter, queue, keep, progress, limit_s, time,
                stopped,
            )  # fmt: skip
        except EnvironmentFault as fault:
            if latest.verdict != "violated":
                raise
            click.echo(f"jobquake: {fault}", err=True)
            soak = latest
        if stopped():
            click.echo("stopped on the page; the same command goes on")
    click.echo(f"{soak.verdict}: {_line(soak)}")
    return EXIT[soak.verdict]


def _tell(found: Violation, soak: Soak, folder: Path | None) -> None:
    """``folder``: where the round is kept, if that is to be named instead of its whole plan."""
    verdict = "inconclusive" if found.vanished else "violated"
    click.echo(f"{verdict} in round {found.round}: {found.sentence}")
    if found.confirmation:
        click.echo(f"  found in leaping time; {found.confirmation.sentence}")
    plan = str(folder / f"round-{found.round}") if folder else found.replay
    click.echo(f"  jobquake replay {shlex.quote(plan)}")
    if found.needs_the_past:
        luck = ", or another timing" if soak.driver == "process" else ""
        past = f"rounds {found.since} to {found.round - 1}" if found.round > found.since else "none"
        click.echo(
            f"  alone, on an empty queue, it was {found.alone}: it depends on earlier rounds "
            f"({past}){luck}"
        )


def _line(soak: Soak) -> str:
    from ...harness.soak.soak import WARM_UP_S

    verdicts = ", ".join(f"{n} {what}" for what, n in sorted(soak.verdicts.items()))
    grown = (soak.last_rss - soak.warm_rss) / MIB
    since = f", {grown:+.0f} since the first {WARM_UP_S / 60:.0f} min"
    queue = f"; the queue {soak.queue_rss / MIB:.0f} MiB" if soak.queue_rss else ""
    disk = f"; on disk {soak.queue_disk / MIB:.1f} MiB" if soak.queue_disk else ""
    return (
        f"{soak.spent_s / 3600:.2f} h in {soak.rounds} rounds ({verdicts}), {soak.jobs} jobs, "
        f"{soak.strikes} strikes; memory {soak.last_rss / MIB:.0f} MiB"
        f"{since if soak.spent_s > WARM_UP_S else ''}{queue}{disk}"
    )
