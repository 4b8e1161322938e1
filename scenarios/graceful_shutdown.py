"""A deploy: half of the workers are told to stop, then the other half.

It is the most common of all faults. A worker that drops what it holds loses work; one that
ignores SIGTERM is killed in the middle; one that stays until a long job is done holds the
deploy up. A worker that is told to stop finishes what is short and hands back what is long,
and a delivery that was handed back counts as no failure.

Here half of the fleet gets SIGTERM while jobs run, then the other half; one job is stuck, so
its worker has to be killed when its time is up.
"""

from __future__ import annotations

from random import Random

from ..harness.faults.terminate import Terminate
from ..harness.plan.plan import Plan, PlannedJob, Pool, Queue
from .scenario import ALWAYS, Scenario

JOBS = 24
WORKERS = 4
WITHIN_S = 1.5


def build(rng: Random, seed: int, variant: str) -> Plan:
    jobs = [
        PlannedJob(
            round(rng.uniform(0.0, 0.8), 3),
            0,
            round(rng.uniform(2.0, 2.6) if index % 2 == 0 else rng.uniform(0.05, 0.2), 3),
        )
        for index in range(JOBS)
    ]
    jobs.append(PlannedJob(0.2, 0, 0.1, behaviour="hang", timeout_s=4.0))
    first_at_s = round(rng.uniform(0.7, 0.9), 3)
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("orders"),),
        pools=(Pool("orders", ("orders",), WORKERS),),
        jobs=tuple(jobs),
        faults=(
            Terminate((0, 1), first_at_s, WITHIN_S),
            Terminate((2, 3), round(first_at_s + WITHIN_S + 0.3, 3), WITHIN_S),
        ),
        guarantees=ALWAYS,
        must_hit=(("worker told to stop", "running"),),
        sink="blind",
        lease_s=0.9,
        grace_s=0.4,
        max_deliveries=3,
        deadline_s=60.0,
    )


SCENARIO = Scenario(
    "graceful-shutdown",
    "a rolling deploy tells workers to stop; they finish or hand back, and nothing is dropped",
    build,
    rank=130,
)
