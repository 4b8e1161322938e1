"""Whole plans: a workload, faults that strike it, and the guarantees that are fair for both.

Every plan drawn is valid, and a correct queue holds all of its guarantees; what a plan could
not fairly ask for it does not ask for.
"""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from msgspec.structs import replace

from ...protocol.commands import RetryPolicy
from ..checks import see_guarantees
from ..faults.changed import all_changed
from ..faults.fault import Fault, TimedFault
from ..plan.guarantees import fair
from ..plan.plan import Plan, PlannedJob, Pool, Queue, ReplayDead, Sink
from ..plan.validate import validate
from .faults import faults as any_faults
from .workloads import Workload, replays, retries, workloads

FLOODED = "flood"
SPARE_S = 1.0


@st.composite
def plans(
    draw: DrawFn,
    jobs: SearchStrategy[PlannedJob] | None = None,
    workers: SearchStrategy[int] | None = None,
    faults: SearchStrategy[Fault] | None = None,
    queues: SearchStrategy[tuple[Queue, ...]] | None = None,
    retry: SearchStrategy[RetryPolicy] | None = None,
    actions: SearchStrategy[ReplayDead] | None = None,
    sink: SearchStrategy[Sink] | None = None,
    guarantees: tuple[str, ...] | None = None,
    most_jobs: int = 6,
    most_faults: int = 4,
    duplicates: bool = True,
    deadline_s: float = 300.0,
) -> Plan:
    """A valid plan of up to ``most_jobs`` jobs and ``most_faults`` faults.

    ``workers`` draws the size of a pool, ``queues`` all the queues of a plan. Without
    ``guarantees`` it asks for all that are fair to ask of a correct queue,
    which holds for effects that the outside world can recognise: a ``sink`` that draws
    ``blind`` wants guarantees of its own. ``deadline_s`` bounds a run in virtual seconds.
    """
    load = draw(workloads(jobs, queues, workers, most_jobs, duplicates))
    drawn = draw(st.lists(any_faults() if faults is None else faults, max_size=most_faults))
    count = sum(pool.workers for pool in load.pools)
    crashes = any(fault.strikes_server for fault in drawn)
    strikes = all_changed(
        drawn, lambda kind, value: kind.folded(value, len(load.jobs), count, crashes)
    )
    if any(fault.floods for fault in strikes):
        load = _flooded(load, strikes, draw(st.integers(3, 8)))
    plan = Plan(
        scenario="drawn",
        variant="default",
        seed=draw(st.integers(0, 2**16)),
        queues=load.queues,
        pools=load.pools,
        jobs=load.jobs,
        faults=strikes,
        guarantees=(),
        sink=draw(st.sampled_from(("keyed", "upsert")) if sink is None else sink),
        lease_s=draw(st.sampled_from([1.0, 0.5, 2.0])),
        grace_s=draw(st.sampled_from([5.0, 0.2])),
        deadline_s=deadline_s,
        max_deliveries=draw(st.integers(2, 5)),
        retry=draw(retries() if retry is None else retry),
        actions=tuple(draw(st.lists(replays() if actions is None else actions, max_size=2))),
    )
    plan = replace(plan, guarantees=fair(plan) if guarantees is None else guarantees)
    validate(plan)
    see_guarantees(plan)
    return plan


def _flooded(load: Workload, faults: tuple[Fault, ...], size: int) -> Workload:
    """With slow jobs in a queue and a pool of their own.

    If nothing else strikes or fails, the others are promised that they need not wait for
    longer than all of them together take.
    """
    starts = [fault.at_s for fault in faults if isinstance(fault, TimedFault) and fault.floods]
    slow = [
        PlannedJob(at_s, len(load.queues), 0.5, flood=True) for at_s in starts for _ in range(size)
    ]
    # The queue skips work that was submitted twice, and nobody ever waits for a worker then.
    plain = all(job.behaviour == "ok" and job.same_work_as < 0 for job in load.jobs)
    plain = plain and len(starts) == len(faults)
    longest_s = sum(job.service_s + job.delay_s for job in load.jobs) + SPARE_S
    queues = tuple(
        replace(queue, bound_s=longest_s) if plain and queue.bound_s is None else queue
        for queue in load.queues
    )
    return Workload(
        (*queues, Queue(FLOODED)),
        (*load.pools, Pool(FLOODED, (FLOODED,), 1)),
        (*load.jobs, *slow),
    )
