"""More work arrives than can be done, and goes on arriving.

A queue without a limit accepts it all, and everything in it gets older; when the producers
notice, the backlog is hours long. A queue with a limit says no while there is time to slow
down, clearly, and keeps what it has said yes to.

Here jobs arrive at several times the speed of the workers, and the queue may hold ten.
"""

from __future__ import annotations

from random import Random

from ..harness.plan import Plan, PlannedJob, Pool, Queue
from .scenario import Scenario

JOBS = 60
WORKERS = 2
MAX_WAITING = 10


def build(rng: Random, seed: int, variant: str) -> Plan:
    jobs = tuple(
        PlannedJob(round(rng.uniform(0.0, 1.5), 3), 0, round(rng.uniform(0.1, 0.2), 3), flood=True)
        for _ in range(JOBS)
    )
    # One bounded job at the end sees whether the queue is usable again.
    last = PlannedJob(8.0, 1, 0.02)
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("reports", max_waiting=MAX_WAITING), Queue("mail", bound_s=2.0)),
        pools=(Pool("all", ("reports", "mail"), WORKERS),),
        jobs=(*jobs, last),
        faults=(),
        guarantees=(
            "backlog_bounded",
            "no_starvation",
            "no_lost_work",
            "no_duplicated_effects",
            "no_phantoms",
            "bounded_deliveries",
            "leases_exclusive",
            "progress_after_heal",
        ),
        sink="blind",
        lease_s=2.0,
        call_timeout_s=1.0,
        deadline_s=60.0,
    )


SCENARIO = Scenario(
    "overload",
    "more arrives than can be done; a queue with a limit says no and keeps what it accepted",
    build,
)
