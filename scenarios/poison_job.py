"""A job that kills its worker, every time.

A crash leaves no error behind: nobody reports a failure, the lease runs out and the job is
handed to the next worker, which it kills too. If only reported failures count, it goes through
the fleet for ever, and takes along the time of everybody else.

Here two of the jobs are poison. They must end as dead letters after their bounded number of
deliveries, and the innocents around them must be done.
"""

from __future__ import annotations

from random import Random

from ..harness.faults.kill_at import KillAt
from ..harness.plan.plan import Plan, PlannedJob, Pool, Queue
from .scenario import ALWAYS, Scenario

JOBS = 30
WORKERS = 3
MAX_DELIVERIES = 3
LEASE_S = 0.6


def build(rng: Random, seed: int, variant: str) -> Plan:
    jobs = tuple(
        PlannedJob(round(rng.uniform(0.0, 1.5), 3), 0, round(rng.uniform(0.02, 0.1), 3))
        for _ in range(JOBS)
    )
    poison = rng.sample(range(JOBS), 2)
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("thumbnails"),),
        pools=(Pool("thumbnails", ("thumbnails",), WORKERS),),
        jobs=jobs,
        faults=tuple(KillAt(job, "mid_job", times=4 * MAX_DELIVERIES) for job in poison),
        guarantees=("dead_letters_explained", *ALWAYS),
        must_hit=(("worker kill", "running"),),
        sink="blind",
        lease_s=LEASE_S,
        max_deliveries=MAX_DELIVERIES,
        deadline_s=60.0,
    )


SCENARIO = Scenario(
    "poison-job",
    "jobs that kill their worker end as dead letters; the innocents around them are done",
    build,
    rank=100,
)
