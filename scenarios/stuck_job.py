"""A job hangs: it does not fail, it does not end, it just holds its worker.

In Python, in a C library that keeps the interpreter's lock, in a loop that swallows every
exception. A heartbeat makes it worse, since it keeps the lease of a job that will never end.
What helps is a timeout that the job cannot refuse: the worker is ended and replaced, the job
retried and at last given up.

Here a worker each is caught in the three ways, with others to do the rest.
"""

from __future__ import annotations

from random import Random
from typing import get_args

from ..harness.faults.kill_at import KillAt
from ..harness.plan.plan import Behaviour, Plan, PlannedJob, Pool, Queue
from .scenario import ALWAYS, Scenario

JOBS = 24
WORKERS = 4
TIMEOUT_S = 0.7
WAYS: tuple[Behaviour, ...] = tuple(
    way for way in get_args(Behaviour) if way in ("hang", "hang_in_c", "spin")
)


def build(rng: Random, seed: int, variant: str) -> Plan:
    stuck = rng.sample(range(JOBS), len(WAYS))
    jobs = []
    for index in range(JOBS):
        at_s, service_s = round(rng.uniform(0.0, 1.0), 3), round(rng.uniform(0.02, 0.1), 3)
        behaviour = WAYS[stuck.index(index)] if index in stuck else "ok"
        timeout_s = TIMEOUT_S if index in stuck else 30.0
        jobs.append(PlannedJob(at_s, 0, service_s, behaviour=behaviour, timeout_s=timeout_s))
    innocent = next(index for index in range(JOBS) if index not in stuck)
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("exports"),),
        pools=(Pool("exports", ("exports",), WORKERS),),
        jobs=tuple(jobs),
        faults=(KillAt(innocent, "mid_job"),),
        guarantees=("timeouts_enforced", *ALWAYS),
        must_hit=(("worker kill", "running"),),
        sink="blind",
        lease_s=0.6,
        max_deliveries=2,
        deadline_s=25.0,
    )


SCENARIO = Scenario(
    "stuck-job",
    "jobs that never come back are taken from their worker at their timeout, and it is replaced",
    build,
    rank=110,
)
