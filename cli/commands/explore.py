"""The command ``jobquake explore``: thin; it shows and keeps what the search finds."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ... import lookup
from ...errors import INTERRUPTED, UsageError
from ...experiments import check_writable
from ...quantities import SECONDS
from .. import complete
from ..findings import ORACLE, confirm_keep_tell, confirm_option, failures_option
from ..options import full_option, seed_option
from ..os_errors import os_errors_told

if TYPE_CHECKING:
    from rich.console import Console

    from ...backends.adapter import Adapter
    from ...harness.explore.search import Crew, Search

MIXES = ("portfolio", "swarmed", "forced", "scripted", "mutation", "lasting", "uniform")
EVERY_S = 10.0


SECTION = "run"


@click.command("explore")
@click.argument("backend", shell_complete=complete.backends)
@click.option("--max-time", type=SECONDS, help="Stop after this time, such as 2h. [default: 60s]")
@click.option("--max-schedules", type=click.IntRange(min=1), help="Stop after this many plans.")
@seed_option
@click.option(
    "--jobs",
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
@click.option("--keep-going", is_flag=True, help="Continue after the first failure.")
@click.option(
    "--check-determinism", is_flag=True, help="Run each plan twice and compare the histories."
)
@confirm_option
@failures_option
@full_option
def command(
    backend: str,
    max_time: float | None,
    max_schedules: int | None,
    seed: int,
    jobs: int | None,
    executor: str | None,
    technique: str,
    keep_going: bool,
    check_determinism: bool,
    confirm: int,
    failures: Path,
    full: bool,
) -> int:
    """Search for a failure that nobody scripted, and shrink it.

    Draws plans (workers, jobs, faults) at random, runs them in virtual time, and lets every
    check judge them. A plan that fails is shrunk to the smallest one that still fails, and
    kept with its report and a pytest test; the next exploration tries it first.

    At the end comes the bite matrix: for each kind of fault, how many of its strikes met a job
    in which phase of the job's life. A fault that met no job proves nothing.

    The same seed and --max-schedules find the same failures, however many processes search.

    \b
    Examples:
      jobquake explore twin-ack-without-token --max-schedules 2000
      jobquake explore reference --max-time 10min --confirm 20
    """
    from ...harness.explore.search import Limits, search
    from ...reports import exploration, terminal

    adapter = lookup.backend(backend)
    if executor is not None and not executor.startswith("dask://"):
        raise UsageError(
            f"expected --executor dask://HOST:PORT, found {executor!r}; "
            "give the address of a Dask scheduler"
        )
    if max_time is None and max_schedules is None:
        max_time = 60.0
    check_writable(failures)
    console = terminal.console()
    oracle = None if backend == ORACLE else ORACLE
    known = _try_again(adapter, failures, console, full)
    with os_errors_told(), _crew(jobs, executor) as crew, _shown(console) as show:
        state = search(
            lookup.backend,
            backend,
            crew,
            Limits(max_schedules, max_time),
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
