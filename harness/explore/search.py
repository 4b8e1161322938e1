"""The search: shard after shard, on one core, on many, or on many machines, to one result.

Shards are numbered and depend on nothing else, so who runs them and in which order changes
nothing: the finding of the lowest shard is the one that counts. A worker that dies takes its
shard along, and the shard is run again. What has been found is never forgotten.
"""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import NamedTuple, Protocol

from ...backends.adapter import Adapter
from ...errors import EnvironmentFault
from ...pools import serve_parent
from .novelty import Feature
from .shard import SCHEDULES, ShardResult, Violation, explore_shard

MOST_DEATHS = 5  # of workers, on one shard: then it is the shard that kills them
POLL_S = 0.25


class Task(NamedTuple):
    """One shard for whoever runs it; ``find`` makes the adapters there, by name."""

    find: Callable[[str], Adapter]
    backend: str
    oracle: str | None
    seed: int
    shard: int
    schedules: int
    mix: str
    twice: bool
    keep_going: bool
    for_s: float | None


def run_task(task: Task) -> ShardResult:
    """Run the shard here and now."""
    return explore_shard(
        task.find(task.backend),
        task.seed,
        task.shard,
        schedules=task.schedules,
        mix=task.mix,
        until=None if task.for_s is None else time.monotonic() + task.for_s,
        twice=task.twice,
        stop_at_first=not task.keep_going,
        oracle=task.find(task.oracle) if task.oracle else None,
    )


class Crew(Protocol):
    """Who runs shards: some workers, here or elsewhere."""

    @property
    def size(self) -> int:
        """How many shards to keep under way."""

    def submit(self, task: Task) -> Future[ShardResult]: ...

    def result(self, future: Future[ShardResult]) -> ShardResult:
        """What came of a task that is over. Raises :class:`WorkerDied`."""


class WorkerDied(EnvironmentFault):
    """Whoever ran a shard is gone, and the shard with it: it must be run again."""


class DeadlyShard(EnvironmentFault):
    """A shard whose workers die again and again. The message says which."""


@dataclass
class Search:
    """What has been seen so far; ``seconds`` since the start.

    ``found`` is in the order in which shards ended, :attr:`first` in that of their numbers.
    ``deaths`` counts workers lost.
    """

    backend: str
    seed: int
    schedules: int = 0
    jobs: int = 0
    shards: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    deaths: int = 0
    found: list[Violation] = field(default_factory=list)
    bites: Counter[tuple[str, str]] = field(default_factory=Counter)
    features: set[Feature] = field(default_factory=set)
    nearest: dict[str, tuple[float, str]] = field(default_factory=dict)
    drifted: list[str] = field(default_factory=list)
    unjudged: dict[str, str] = field(default_factory=dict)

    @property
    def first(self) -> list[Violation]:
        """One finding for each broken guarantee, the earliest."""
        earliest: dict[str, Violation] = {}
        for found in sorted(self.found, key=lambda f: (f.shard, f.schedule)):
            earliest.setdefault(found.guarantee, found)
        return list(earliest.values())

    def add(self, seen: ShardResult) -> None:
        self.schedules += seen.schedules
        self.jobs += seen.jobs
        self.shards += 1
        self.found += seen.found
        self.features |= seen.new
        self.drifted += seen.drifted
        self.unjudged |= seen.unjudged
        for fault, phase, n in seen.bites:
            self.bites[fault, phase] += n
        for what, near in seen.nearest.items():
            self.nearest[what] = min(near, self.nearest.get(what, near))


class Limits(NamedTuple):
    """When to stop: after so many schedules, or seconds; None: never."""

    schedules: int | None = None
    seconds: float | None = None


def search(
    find: Callable[[str], Adapter],
    backend: str,
    crew: Crew,
    limits: Limits,
    *,
    seed: int = 0,
    oracle: str | None = None,
    mix: str = "portfolio",
    twice: bool = False,
    keep_going: bool = False,
    progress: Callable[[Search], None] | None = None,
) -> Search:
    """Explore until something is found (or with ``keep_going``, until the limits).

    The arguments are those of :func:`.shard.explore_shard`; ``progress`` is called now and
    then. Ends early, with what it has, if interrupted. Raises :class:`DeadlyShard`.
    """
    state, began = Search(backend, seed), time.monotonic()
    under_way: dict[Future[ShardResult], Task] = {}
    deaths: Counter[int] = Counter()

    def task(shard: int) -> Task | None:
        """The shard's task, or None if it need not be run."""
        length = SCHEDULES
        if limits.schedules is not None:
            length = min(length, limits.schedules - shard * SCHEDULES)
        left_s = None if limits.seconds is None else limits.seconds - state.seconds
        settled = not keep_going and any(found.shard < shard for found in state.found)
        if length <= 0 or settled or (left_s is not None and left_s <= 0):
            return None
        return Task(
            find, backend, oracle, seed, shard, length, mix, twice, keep_going, left_s
        )  # fmt: skip

    def go() -> None:
        shard = 0
        again: list[Task] = []
        while True:
            while len(under_way) < crew.size:
                next_task = again.pop() if again else task(shard)
                if next_task is None:
                    break
                shard = max(shard, next_task.shard + 1)
                under_way[crew.submit(next_task)] = next_task
            if not under_way:
                return
            done, _ = wait(under_way, timeout=POLL_S, return_when=FIRST_COMPLETED)
            state.seconds = time.monotonic() - began
            for future in done:
                ran = under_way.pop(future)
                try:
                    state.add(crew.result(future))
                except WorkerDied as error:
                    again.append(ran)
                    deaths[ran.shard] += 1
                    state.deaths += 1
                    if deaths[ran.shard] >= MOST_DEATHS:
                        raise DeadlyShard(
                            f"expected shard {ran.shard} of seed {seed} to end, found that its "
                            f"worker died {MOST_DEATHS} times: {error}; run it with --jobs 0 to see"
                        ) from error
            if progress:
                progress(state)

    try:
        go()
    except KeyboardInterrupt:
        state.interrupted = True
    state.seconds = time.monotonic() - began
    if not keep_going and state.found:
        lowest = min(found.shard for found in state.found)
        state.found = [found for found in state.found if found.shard == lowest]
    return state


class Here:
    """This process, one shard after the other."""

    size = 1

    def submit(self, task: Task) -> Future[ShardResult]:
        future: Future[ShardResult] = Future()
        future.set_result(run_task(task))
        return future

    def result(self, future: Future[ShardResult]) -> ShardResult:
        return future.result()


class Pool:
    """``size`` processes on this machine."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._executor = self._start()

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self.size, get_context("spawn"), serve_parent)

    def submit(self, task: Task) -> Future[ShardResult]:
        # Processes start here, and Ctrl-C is not for them, not even before they can say so.
        with _interrupts_held_back():
            try:
                return self._executor.submit(run_task, task)
            except BrokenProcessPool:
                # One death breaks the whole pool, and all that was under way in it.
                self._executor.shutdown(wait=False, cancel_futures=True)
                self._executor = self._start()
                return self._executor.submit(run_task, task)

    def result(self, future: Future[ShardResult]) -> ShardResult:
        try:
            return future.result()
        except BrokenProcessPool as error:
            raise WorkerDied(str(error)) from error

    def close(self) -> None:
        """End every process at once, whatever it is at."""
        processes = list((self._executor._processes or {}).values())
        self._executor.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """What starts in this block does not see Ctrl-C; this process sees it after the block."""
    held_back = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held_back)


@contextmanager
def crew_of(jobs: int) -> Iterator[Crew]:
    """``jobs`` processes, or with 0 or 1 this one."""
    if jobs < 2:
        yield Here()
        return
    pool = Pool(jobs)
    try:
        yield pool
    finally:
        pool.close()
