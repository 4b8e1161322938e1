"""The command ``jobquake explore``: thin; it shows and keeps what the search finds."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ... import lookup
from ...errors import INTERRUPTED, UsageError
from ...experiments import check_writable
from ...quantities import DURATION, SECONDS
from .. import complete
from ..app_options import AppAsked, app_alone
from ..findings import ORACLE, confirm_keep_tell
from ..grouped import Grouped
from ..options import (
    FAILURES,
    OF_TESTS,
    fresh_option,
    full_option,
    json_option,
    parallel_option,
    seed_option,
    time_option,
)
from ..os_errors import os_errors_told

if TYPE_CHECKING:
    from rich.console import Console

    from ...backends.adapter import Adapter
    from ...backends.system import Time
    from ...harness.explore.search import Crew, Search

MIXES = ("portfolio", "swarmed", "forced", "scripted", "mutation", "lasting", "uniform")
EVERY_S = 10.0
QUEUE_S, APP_S = 60.0, 120.0  # without a limit
REPEATS = 5

SECTION = "run"
OF_QUEUE = "Of a queue, in the simulator"
OF_APP = "Of your own app, on its own workers"
GROUPS = {
    OF_QUEUE: ("processes", "executor", "technique", "check_determinism"),
    OF_APP: (
        "target", "task", "arguments", "enqueue_options", "python", "folder", "worker",
        "services", "patience_s", "workers", "most_jobs", "parallel", "time", "real_s",
        "swept", "fresh", "as_json",
    ),
}  # fmt: skip


@click.command("explore", cls=Grouped, groups=GROUPS)
@click.argument("backend", shell_complete=complete.backends, required=False)
@click.option(
    "--max-time",
    "--budget",
    "max_time",
    type=DURATION,
    metavar="DURATION",
    help=f"Draw no plan after this time, such as 2h. [default: {QUEUE_S:g}s, {APP_S:g}s of an app]",
)
@click.option("--max-schedules", type=click.IntRange(min=1), help="Stop after this many plans.")
@seed_option
@click.option("--keep-going", is_flag=True, help="Continue after the first failure.")
@click.option(
    "--confirm",
    type=click.IntRange(min=0),
    metavar="N",
    help="Run what broke, and what it was shrunk to, N times on real processes, and tell how often "
    f"it breaks. [default: 0, {REPEATS} of an app]",
)
@click.option(
    "--failures",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for failures, each with its report; of a queue with a pytest test. "
    f"[default: {FAILURES}, {OF_TESTS} of an app]",
)
@full_option
@click.option(
    "--jobs",
    "processes",
    type=click.IntRange(min=0),
    help="Processes to search with; 0 uses this process only. [default: one per core]",
)
@click.option(
    "--executor",
    metavar="dask://HOST:PORT",
    help="Search on this Dask cluster instead of local processes.",
)
@click.option(
    "--technique", type=click.Choice(MIXES), default="portfolio", show_default=True,
    help="How plans are drawn; the portfolio mixes all techniques.",
)  # fmt: skip
@click.option(
    "--check-determinism", is_flag=True, help="Run each plan twice and compare the histories."
)
@click.option(
    "--most-jobs",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="Jobs of a plan, at most, besides a flood and one that comes late.",
)
@click.option(
    "--workers", type=click.IntRange(1, 32), help="Workers of a plan, at most. [default: 2]"
)
@parallel_option
@time_option
@click.option(
    "--real-time",
    "real_s",
    type=SECONDS,
    metavar="DURATION",
    help="Repeat what leaping time shows in real time if that takes no longer; what vanishes there "
    "is a fault of jobquake's; 0s: never. [default: 60s]",
)
@click.option(
    "--beyond",
    "swept",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="SWEEP-FOLDER",
    help="Draw no plan with a strike at which this sweep of the task has found something.",
)
@fresh_option
@json_option
@app_alone
@click.pass_context
def command(
    ctx: click.Context,
    backend: str | None,
    max_time: float | None,
    max_schedules: int | None,
    seed: int,
    keep_going: bool,
    confirm: int | None,
    failures: Path | None,
    full: bool,
    processes: int | None,
    executor: str | None,
    technique: str,
    check_determinism: bool,
    most_jobs: int,
    parallel: int,
    time: Time | None,
    real_s: float | None,
    swept: Path | None,
    fresh: bool,
    as_json: bool,
    app: AppAsked | None,
) -> int:
    """Search for a failure that nobody scripted, and shrink it.

    Draws plans (workers, jobs, faults) at random, runs them, and judges them. A plan that fails is
    shrunk to the smallest one that still fails and kept with its report; the next exploration tries
    it first.

    A BACKEND is explored in virtual time, every check judges, and a failure comes with a pytest
    test. At the end comes the bite matrix: for each kind of fault, how many of its strikes met a
    job in which phase of the job's life. A fault that met no job proves nothing. The same seed and
    --max-schedules find the same failures, however many processes search.

    Your own app (--app) is explored on its own workers, in leaping time: a few jobs, and one strike
    to three at the round trips that a clean run shows, at points of a job's life, and at the
    server. What breaks is repeated, shrunk by repeated trials, and told with its rate. Exits with 1
    if work was lost or stood still, with 4 if no run proved anything.

    \b
    Examples:
      jobquake explore twin-ack-without-token --max-schedules 2000
      jobquake explore reference --max-time 10min --confirm 20
      jobquake explore --app shop.celery:app --task shop.charge --args '[1]' --budget 2min
    """
    of_app = app is not None and (app.said or backend is None)
    _see_options(ctx, backend, of_app)
    if of_app:
        from ...harness.confirm import CONFIRM_S
        from ...sweep.exploring.draw import Space
        from ...sweep.exploring.explore import Limits as LimitsOfApp
        from ...sweep.exploring.explored import Wishes
        from ..exploring import explore_app

        assert app is not None
        budget_s = max_time or (APP_S if max_schedules is None else inf)
        repeats = REPEATS if confirm is None else confirm
        wishes = Wishes(
            seed=seed,
            limits=LimitsOfApp(budget_s, max_schedules, keep_going, repeats),
            space=Space(most_jobs, app.workers),
            parallel=parallel,
            time=time or app.time,
            patience_s=app.patience_s,
            confirm_s=CONFIRM_S if real_s is None else real_s,
            anew=fresh,
            swept=swept,
        )
        return explore_app(app, wishes, failures, as_json, full)
    assert backend is not None
    limits = (max_schedules, max_time or (QUEUE_S if max_schedules is None else None))
    return _explore_queue(
        backend, limits, seed, processes, executor, technique, keep_going, check_determinism,
        confirm or 0, failures or FAILURES, full,
    )  # fmt: skip


def _see_options(ctx: click.Context, backend: str | None, of_app: bool) -> None:
    """Raise unless it is clear what to explore, and each option belongs to that."""
    if backend is None and not of_app:
        raise UsageError(
            "expected the name of a backend, or --app with your own app, found neither; 'jobquake "
            "list' names the backends"
        )
    if backend is not None and of_app:
        raise UsageError(f"expected a backend or --app, found {backend} and --app; leave one out")
    assert isinstance(ctx.command, Grouped)
    if others := ctx.command.given(ctx, OF_QUEUE if of_app else OF_APP):
        hint = "; --parallel says how many runs at once" if "--jobs" in others else ""
        raise UsageError(
            f"expected no {others[0]} beside {'--app' if of_app else backend}, found it; "
            f"leave it out{hint}"
        )


def _explore_queue(
    backend: str,
    limits: tuple[int | None, float | None],
    seed: int,
    processes: int | None,
    executor: str | None,
    technique: str,
    keep_going: bool,
    check_determinism: bool,
    confirm: int,
    failures: Path,
    full: bool,
) -> int:
    from ...harness.explore.search import Limits, search
    from ...reports import exploration, terminal

    adapter = lookup.backend(backend)
    if executor is not None and not executor.startswith("dask://"):
        raise UsageError(
            f"expected --executor dask://HOST:PORT, found {executor!r}; "
            "give the address of a Dask scheduler"
        )
    check_writable(failures)
    console = terminal.console()
    oracle = None if backend == ORACLE else ORACLE
    known = _try_again(adapter, failures, console, full)
    with os_errors_told(), _crew(processes, executor) as crew, _shown(console) as show:
        state = search(
            lookup.backend,
            backend,
            crew,
            Limits(*limits),
            seed=seed,
            oracle=oracle,
            mix=technique,
            twice=check_determinism,
            keep_going=keep_going,
            progress=show,
        )
    console.print(exploration.headline(state), soft_wrap=True)
    console.print(exploration.bite_matrix(state))
    for line in (*exploration.near_misses(state), *exploration.not_judged(state)):
        console.print(line, soft_wrap=True)
    if state.deaths:
        console.print(f"{state.deaths} search processes died; their shards were run again")
    for replay in state.drifted[:3]:
        console.print(f"not deterministic: jobquake replay '{replay}'", soft_wrap=True)
    with os_errors_told():
        _tell_findings(state, adapter, oracle, failures, confirm, console, full)
    return _exit_code(state, known)


def _exit_code(state: Search, known: int) -> int:
    from ...harness.result import EXIT

    if state.found or known:
        return EXIT["violated"]
    if state.interrupted:
        return INTERRUPTED
    met = any(phase != "nothing" and n for (_, phase), n in state.bites.items())
    return EXIT["held"] if met and not state.drifted else EXIT["inconclusive"]


def _tell_findings(
    state: Search,
    adapter: Adapter,
    oracle: str | None,
    failures: Path,
    confirm: int,
    console: Console,
    full: bool,
) -> None:
    from ...harness.shrink.failure import shrunk_in_sim

    for found in state.first:
        where = f"seed {state.seed}, shard {found.shard}, schedule {found.schedule}"
        console.print(f"\n{found.guarantee} broke ({where}); shrinking", soft_wrap=True)
        failure, run = shrunk_in_sim(
            found.replay,
            found.guarantee,
            adapter,
            where,
            lookup.backend(oracle) if oracle else None,
        )
        confirm_keep_tell(failure, run, adapter, failures, confirm, console, full)
    if not state.found:
        ended = "interrupted; until then " if state.interrupted else ""
        console.print(f"{ended}no schedule broke a guarantee")


def _try_again(adapter: Adapter, failures: Path, console: Console, full: bool) -> int:
    """How many of the failures that are kept still fail."""
    from ...harness.plan.replay import decode
    from ...harness.shrink.kept import folder_of, kept
    from ...harness.shrink.shrink import breaks

    still = 0
    for failure in kept(adapter.name, failures):
        if failure.driver != "sim":
            continue
        fails = breaks(failure.guarantee, adapter)(decode(failure.replay).plan)
        still += fails
        state_now = "still fails" if fails else "is fixed"
        console.print(f"known failure {state_now}: {failure.sentence}", soft_wrap=True)
        if fails:
            where = str(folder_of(failure, failures) / "run")
            what = failure.replay if full else where
            console.print(f"  replay: jobquake replay {shlex.quote(what)}", soft_wrap=True)
    return still


def _crew(jobs: int | None, executor: str | None) -> AbstractContextManager[Crew]:
    from ...harness.explore.search import crew_of

    if executor is None:
        return crew_of(os.cpu_count() or 1 if jobs is None else jobs)
    from ...harness.explore.on_dask import cluster_at

    return cluster_at(executor)


@contextmanager
def _shown(console: Console) -> Iterator[Callable[[Search], None]]:
    """Shows the progress: a picture that changes on a terminal, now and then a line elsewhere."""
    from rich.live import Live

    from ...reports import exploration

    if console.is_terminal:
        with Live(console=console, transient=True, refresh_per_second=4) as picture:
            yield lambda search: picture.update(exploration.live(search))
        return
    shown_at = -EVERY_S

    def tell(search: Search) -> None:
        nonlocal shown_at
        if search.seconds - shown_at >= EVERY_S:
            shown_at = search.seconds
            console.print(exploration.headline(search), soft_wrap=True)

    yield tell
