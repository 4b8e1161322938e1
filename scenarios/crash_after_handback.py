"""A deploy takes a job back from its worker, and the next worker that gets it dies.

A job that was handed back has not failed: it must not count against the job. But it takes
nothing back either: the crashes before it still count. Whoever counts wrongly on the one side
gives a job up because there were many deploys; on the other, a job that kills its workers is
given new ones for ever, as long as somebody deploys now and then.

Here two long jobs are handed back by deploys between crashes. One kills its worker once and must
be done in the end. The other kills whoever takes it, and must be a dead letter after two.
"""

from __future__ import annotations

from random import Random

from ..harness.faults.kill_at import KillAt
from ..harness.faults.terminate import Terminate
from ..harness.plan.plan import Plan, PlannedJob, Pool, Queue
from .scenario import ALWAYS, Scenario

SHORT = 16
WORKERS = 3
MAX_DELIVERIES = 2
LEASE_S = 0.6
LONG_S = 2.0
ONCE, ALWAYS_KILLS = 0, 1
DEPLOYS_AT_S = (0.5, 2.9)
WITHIN_S = 1.5


def build(rng: Random, seed: int, variant: str) -> Plan:
    def at(first_s: float, last_s: float) -> float:
        return round(rng.uniform(first_s, last_s), 3)

    long = [PlannedJob(0.0, 0, LONG_S) for _ in (ONCE, ALWAYS_KILLS)]
    short = [PlannedJob(at(0.1, 4.0), 0, at(0.02, 0.08)) for _ in range(SHORT)]
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("exports"),),
        pools=(Pool("exports", ("exports",), WORKERS),),
        jobs=(*long, *short),
        faults=(
            KillAt(ONCE, "mid_job"),
            KillAt(ALWAYS_KILLS, "mid_job", times=6 * MAX_DELIVERIES),
            *(
                Terminate(tuple(range(WORKERS)), round(deploy_s + at(0.0, 0.2), 3), WITHIN_S)
                for deploy_s in DEPLOYS_AT_S
            ),
        ),
        guarantees=("deliveries_used", *ALWAYS),
        must_hit=(("worker kill", "running"), ("worker told to stop", "running")),
        sink="keyed",
        lease_s=LEASE_S,
        grace_s=0.2,
        max_deliveries=MAX_DELIVERIES,
        deadline_s=60.0,
    )


SCENARIO = Scenario(
    "crash-after-handback",
    "deploys hand jobs back between crashes; the crashes count, and nothing else does",
    build,
    rank=131,
)
