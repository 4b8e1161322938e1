"""The ways in which a plan can be less: one function for each, largest steps first.

Each yields plans that are smaller than the one given, whatever they do. What belongs together
moves together: with a job go the faults that were tied to it, the indices of those behind it
move up, and so do the round trips that are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from msgspec.structs import replace

from ...protocol.commands import RetryPolicy
from ..explore.fair import with_time
from ..faults.changed import all_changed, fields_of, narrower
from ..faults.fault import Fault
from ..faults.fields import FOR_EVER_S
from ..plan.plan import Plan, PlannedJob, Pool

Smaller = Callable[[Plan], Iterator[Plan]]
DECIMALS = (0, 1, 2)
PLAIN_JOB = PlannedJob(0.0, 0, 0.0)
SPECIAL = (
    "behaviour", "failures", "flood", "priority", "delay_s",
    "same_work_as", "own_key", "again_after_s", "sink", "payload_bytes", "name",
)  # fmt: skip


def fewer_faults(plan: Plan) -> Iterator[Plan]:
    for part in _without_parts(plan.faults):
        yield replace(plan, faults=part)


def fewer_actions(plan: Plan) -> Iterator[Plan]:
    for part in _without_parts(plan.actions):
        yield replace(plan, actions=part)


def fewer_jobs(plan: Plan) -> Iterator[Plan]:
    """Without each half, quarter, ... of the jobs, down to each one."""
    for gone in _parts(len(plan.jobs)):
        if len(gone) < len(plan.jobs):
            left = without_jobs(plan, frozenset(gone))
            yield left
            yield _counted_sooner(left, plan)


def without_jobs(plan: Plan, gone: frozenset[int]) -> Plan:
    """The plan without these jobs and what was tied to them."""
    gone = gone | {index for index, job in enumerate(plan.jobs) if job.same_work_as in gone}
    place = {old: new for new, old in enumerate(i for i in range(len(plan.jobs)) if i not in gone)}
    jobs = tuple(
        replace(job, same_work_as=place.get(job.same_work_as, -1))
        for index, job in enumerate(plan.jobs)
        if index in place
    )
    faults = all_changed(plan.faults, lambda kind, value: kind.without_jobs(value, place))
    return replace(plan, jobs=jobs, faults=faults)


def _counted_sooner(left: Plan, whole: Plan) -> Plan:
    """Round trips of the jobs that are gone are not counted any more."""
    gone = len(whole.jobs) - len(left.jobs)
    faults = all_changed(left.faults, lambda kind, value: kind.counted_without(value, gone))
    return replace(left, faults=faults)


def sooner_deadline(plan: Plan) -> Iterator[Plan]:
    """No more time than what is left of the plan needs."""
    timed = with_time(plan)
    if timed.deadline_s < plan.deadline_s:
        yield timed


def fewer_workers(plan: Plan) -> Iterator[Plan]:
    """One worker less in a pool; the faults of those behind it move up."""
    first = 0
    for number, pool in enumerate(plan.pools):
        if pool.workers > 1:
            pools = list(plan.pools)
            pools[number] = Pool(pool.name, pool.queues, pool.workers - 1)
            for gone in range(first, first + pool.workers):
                yield replace(_without_worker(plan, gone), pools=tuple(pools))
        first += pool.workers


def _without_worker(plan: Plan, gone: int) -> Plan:
    faults = all_changed(plan.faults, lambda kind, value: kind.without_worker(value, gone))
    return replace(plan, faults=faults)


def fewer_queues(plan: Plan) -> Iterator[Plan]:
    """One queue less, with its jobs or with them moved to the first one; one pool less."""
    for number, queue in enumerate(plan.queues):
        if len(plan.queues) == 1:
            break
        queues = plan.queues[:number] + plan.queues[number + 1 :]
        pools = tuple(
            Pool(pool.name, tuple(q for q in pool.queues if q != queue.name), pool.workers)
            for pool in plan.pools
        )
        heirs = without_jobs(
            plan, frozenset(i for i, job in enumerate(plan.jobs) if job.queue == number)
        )
        for base in (heirs, plan):
            jobs = tuple(
                replace(job, queue=max(0, job.queue - (job.queue >= number))) for job in base.jobs
            )
            yield _without_idle_pools(replace(base, jobs=jobs, queues=queues, pools=pools))


def _without_idle_pools(plan: Plan) -> Plan:
    """Without the pools that serve nothing, and their workers."""
    number = 0
    for pool in plan.pools:
        if pool.queues:
            number += pool.workers
            continue
        for _ in range(pool.workers):
            plan = _without_worker(plan, number)
    return replace(plan, pools=tuple(pool for pool in plan.pools if pool.queues))


def narrower_faults(plan: Plan) -> Iterator[Plan]:
    """Strike fewer workers, less often, sooner."""
    for number, fault in enumerate(plan.faults):
        for less in narrower(fault):
            yield _with_fault(plan, number, less)


def plainer_jobs(plan: Plan) -> Iterator[Plan]:
    """Jobs without whatever makes them special."""
    for index, job in enumerate(plan.jobs):
        for name in SPECIAL:
            plain = getattr(PLAIN_JOB, name)
            if getattr(job, name) != plain:
                yield _with_job(plan, index, replace(job, **{name: plain}))


def plainer_plan(plan: Plan) -> Iterator[Plan]:
    """One producer, the usual settings."""
    for name, plain in (
        ("producers", 1),
        ("latency_s", 0.0005),
        ("grace_s", 5.0),
        ("lease_s", 1.0),
        ("retry", RetryPolicy(0.05, 2.0, 1.0, "full")),
        ("sink", "keyed"),
        ("seed", 0),
        ("late_words", False),
    ):
        if getattr(plan, name) != plain:
            yield replace(plan, **{name: plain})
    for most in range(1, plan.max_deliveries):
        yield replace(plan, max_deliveries=most)


def all_sooner(plan: Plan) -> Iterator[Plan]:
    """Everything earlier by the same time, so that the story begins at 0."""
    times = [job.at_s for job in plan.jobs]
    first = min(times, default=0.0)
    if first > 0:
        yield _shifted(plan, -first)
    later = sorted(set(times) - {first})
    for bound in later:
        # What comes from there on, faults included, comes sooner: the gap before it closes.
        gap = bound - max(t for t in times if t < bound)
        yield _shifted(plan, -gap, bound)


def _shifted(plan: Plan, by_s: float, from_s: float = 0.0) -> Plan:
    def moved(at_s: float) -> float:
        return round(max(0.0, at_s + by_s), 6) if at_s >= from_s else at_s

    jobs = tuple(replace(job, at_s=moved(job.at_s)) for job in plan.jobs)
    actions = tuple(replace(action, at_s=moved(action.at_s)) for action in plan.actions)
    faults = all_changed(plan.faults, lambda kind, value: kind.shifted(value, moved))
    return replace(plan, jobs=jobs, faults=faults, actions=actions)


def rounder_times(plan: Plan) -> Iterator[Plan]:
    """Each time by itself: zero, whole, or with fewer decimals."""
    for index, job in enumerate(plan.jobs):
        for less in _rounder(job, ("at_s", "service_s", "delay_s", "again_after_s"), ()):
            yield _with_job(plan, index, less)
    for number, fault in enumerate(plan.faults):
        for shorter in _rounder(fault, _times(fault, True), _times(fault, False)):
            yield _with_fault(plan, number, shorter)
    for number, action in enumerate(plan.actions):
        for sooner in _rounder(action, ("at_s",), ()):
            actions = (*plan.actions[:number], sooner, *plan.actions[number + 1 :])
            yield replace(plan, actions=actions)


def _times(fault: Fault, to_zero: bool) -> tuple[str, ...]:
    """The fields that hold times: those that may become 0, or those that may not."""
    fields = fields_of(type(fault))
    return tuple(field.name for field in fields if field.kind.rounds_to_zero is to_zero)


def _rounder(part: Any, from_zero: tuple[str, ...], lasting: tuple[str, ...]) -> Iterator[Any]:
    for name in (*from_zero, *lasting):
        value = getattr(part, name, None)
        if not value or value >= FOR_EVER_S:
            continue
        zero = (0.0,) if name in from_zero else ()
        steps = (round(value, decimals) for decimals in DECIMALS)
        up = (round(value + 0.5),) if name in lasting else ()
        for less in dict.fromkeys((*zero, *steps, *up)):
            if _simplicity(less) < _simplicity(value) and (less > 0 or name in from_zero):
                yield replace(part, **{name: float(less)})


def _simplicity(value: float) -> tuple[int, float]:
    """Fewer decimals are simpler, then smaller numbers."""
    text = f"{value:.6f}".rstrip("0")
    return len(text.partition(".")[2]), value


STEPS: tuple[Smaller, ...] = (
    fewer_faults,
    fewer_jobs,
    sooner_deadline,
    fewer_actions,
    fewer_queues,
    fewer_workers,
    narrower_faults,
    plainer_jobs,
    plainer_plan,
    all_sooner,
    rounder_times,
)


def _parts(length: int) -> Iterator[list[int]]:
    """Stretches of indices, longest first: everything's halves, quarters, ..., each one."""
    size = length
    while size > 1:
        size = (size + 1) // 2
        for start in range(0, length, size):
            yield list(range(start, min(start + size, length)))


def _without_parts(items: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if items:
        yield ()
    for part in _parts(len(items)):
        gone = set(part)
        yield tuple(item for index, item in enumerate(items) if index not in gone)


def _with_job(plan: Plan, index: int, job: PlannedJob) -> Plan:
    return replace(plan, jobs=(*plan.jobs[:index], job, *plan.jobs[index + 1 :]))


def _with_fault(plan: Plan, number: int, fault: Fault) -> Plan:
    return replace(plan, faults=(*plan.faults[:number], fault, *plan.faults[number + 1 :]))
