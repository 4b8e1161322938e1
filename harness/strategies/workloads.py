"""What there is to do and who does it: strategies for queues, pools, jobs and retries.

Job strategies know no queues: they draw a queue's number, and a workload folds it into what
it has.
"""

from __future__ import annotations

from typing import NamedTuple, get_args

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from msgspec.structs import replace

from ...protocol.commands import RetryPolicy
from ..plan.names import ODD_NAMES
from ..plan.plan import NEVER_BACK, Behaviour, PlannedJob, Pool, Queue, ReplayDead
from .times import seconds

NAMES = ("orders", "mail", "reports")
STUCK_TIMEOUT_S = 1.5
NUMBERS = st.integers(0, len(NAMES) - 1)
PAYLOADS = st.sampled_from((0, 0, 0, 1, 3, 65_537))
PRIORITIES = st.integers(0, 3) | st.sampled_from((-1, -1_000_000, 1_000_000))


class Workload(NamedTuple):
    """The part of a plan that is there without any fault."""

    queues: tuple[Queue, ...]
    pools: tuple[Pool, ...]
    jobs: tuple[PlannedJob, ...]


def behaviours(*which: Behaviour) -> SearchStrategy[Behaviour]:
    """How a job behaves: one of ``which``, or of all; then half of the jobs just do it."""
    every: tuple[Behaviour, ...] = get_args(Behaviour)
    return st.sampled_from(which or (*every[:1] * len(every), *every[1:]))


@st.composite
def jobs(
    draw: DrawFn,
    behaviour: SearchStrategy[Behaviour] | None = None,
    at_s: SearchStrategy[float] | None = None,
    service_s: SearchStrategy[float] | None = None,
    delay_s: SearchStrategy[float] | None = None,
    priority: SearchStrategy[int] | None = None,
    most_failures: int = 3,
    payload_bytes: SearchStrategy[int] | None = None,
) -> PlannedJob:
    """A job. Times are seconds; one that never comes back has a short timeout.

    A job that submits an earlier one's work again is drawn by :func:`workloads`, which
    knows the earlier ones.
    """
    does: Behaviour = draw(behaviours() if behaviour is None else behaviour)
    return PlannedJob(
        at_s=draw(seconds(0, 2) if at_s is None else at_s),
        queue=draw(NUMBERS),
        service_s=draw(seconds(0.001, 2.5) if service_s is None else service_s),
        behaviour=does,
        failures=draw(st.integers(1, most_failures)) if does == "fail" else 0,
        priority=draw(PRIORITIES if priority is None else priority),
        timeout_s=STUCK_TIMEOUT_S if does in NEVER_BACK else 30.0,
        delay_s=draw((st.just(0.0) | seconds(0, 2)) if delay_s is None else delay_s),
        payload_bytes=draw(PAYLOADS if payload_bytes is None else payload_bytes),
    )


def names(count: int) -> SearchStrategy[tuple[str, ...]]:
    """So many names that are easily taken for one another; neighbours look most alike."""
    return st.integers(0, len(ODD_NAMES) - count).map(lambda at: ODD_NAMES[at : at + count])


def queues(most: int = 2) -> SearchStrategy[tuple[Queue, ...]]:
    """One to ``most`` queues without bounds or limits, at most three; some have odd names."""
    counts = st.integers(1, min(most, len(NAMES)))
    plain = counts.map(lambda count: NAMES[:count])
    return (plain | plain | counts.flatmap(names)).map(lambda named: tuple(map(Queue, named)))


@st.composite
def pools(
    draw: DrawFn, queues: tuple[Queue, ...], workers: SearchStrategy[int] | None = None
) -> tuple[Pool, ...]:
    """One pool for all queues, or one for each; ``workers`` workers in a pool."""
    size = st.integers(1, 3) if workers is None else workers
    names = tuple(queue.name for queue in queues)
    if len(names) == 1 or draw(st.booleans()):
        return (Pool("all", names, draw(size)),)
    return tuple(Pool(name, (name,), draw(size)) for name in names)


@st.composite
def workloads(
    draw: DrawFn,
    jobs: SearchStrategy[PlannedJob] | None = None,
    queues: SearchStrategy[tuple[Queue, ...]] | None = None,
    workers: SearchStrategy[int] | None = None,
    most_jobs: int = 6,
    duplicates: bool = True,
) -> Workload:
    """Queues, their pools, and 1 to ``most_jobs`` jobs.

    With ``duplicates`` some of the jobs may submit an earlier one's work under another id. Some
    workloads have ids that are easily taken for one another.
    """
    used = draw(_queues() if queues is None else queues)
    served = draw(pools(used, workers))
    drawn = draw(st.lists(_jobs() if jobs is None else jobs, min_size=1, max_size=most_jobs))
    planned: list[PlannedJob] = []
    for index, job in enumerate(drawn):
        again = -1
        if duplicates and index and draw(st.integers(0, 9)) == 9:
            again = draw(st.integers(0, index - 1))
            again = index - 1 if planned[again].same_work_as >= 0 else again
            again = -1 if planned[again].same_work_as >= 0 else again
        planned.append(replace(job, queue=job.queue % len(used), same_work_as=again))
    if len(planned) <= len(ODD_NAMES) and draw(st.integers(0, 9)) == 9:
        ids = draw(names(len(planned)))
        planned = [replace(job, name=name) for job, name in zip(planned, ids, strict=True)]
    return Workload(used, served, tuple(planned))


_jobs, _queues = jobs, queues  # the arguments of those names hide them


def retries() -> SearchStrategy[RetryPolicy]:
    """Short backoffs, so that a run of a few virtual seconds sees several of them."""
    return st.builds(
        RetryPolicy,
        st.sampled_from([0.05, 0.2, 0.5]),
        st.just(2.0),
        st.just(1.0),
        st.sampled_from(["full", "equal", "decorrelated", "none"]),
    )


def replays(within_s: float = 6.0) -> SearchStrategy[ReplayDead]:
    """An operator replays the dead letters that lie there at some time."""
    return st.builds(ReplayDead, seconds(0, within_s))
