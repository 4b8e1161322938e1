"""Some jobs can never succeed: their data is malformed, their record is deleted.

Retrying them is work for nothing, again and again, and hides the real reason under the last
retry's. They belong with the dead letters after their first delivery, with the reason, where
somebody can mend the cause.

Here a fifth of the jobs fail for good, among others that fail once and then succeed, and two
hopeless ones, whose dependency refuses them every time: those use their deliveries up, and
their dead letters must not tell the reason of their neighbours.
"""

from __future__ import annotations

from random import Random

from ..harness.faults.outage import Outage
from ..harness.plan.plan import Plan, PlannedJob, Pool, Queue
from .scenario import ALWAYS, Scenario

JOBS = 40
WORKERS = 3
GONE, MALFORMED, FLAKY, HOPELESS = 5, 4, 8, 2
MAX_DELIVERIES = 4
MENDED_AT_S = 4.0  # long after all of them have run


def build(rng: Random, seed: int, variant: str) -> Plan:
    jobs = []
    for index in range(JOBS):
        at_s, service_s = round(rng.uniform(0.0, 1.0), 3), round(rng.uniform(0.02, 0.08), 3)
        if index < GONE:
            job = PlannedJob(at_s, 0, service_s, behaviour="permanent")
        elif index < GONE + MALFORMED:
            job = PlannedJob(at_s, 0, service_s, behaviour="malformed")
        elif index < GONE + MALFORMED + FLAKY:
            job = PlannedJob(at_s, 0, service_s, behaviour="fail", failures=1)
        elif index < GONE + MALFORMED + FLAKY + HOPELESS:
            job = PlannedJob(at_s, 0, service_s, behaviour="fail", failures=10 * MAX_DELIVERIES)
        else:
            job = PlannedJob(at_s, 0, service_s)
        jobs.append(job)
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("imports"),),
        pools=(Pool("imports", ("imports",), WORKERS),),
        jobs=tuple(jobs),
        faults=(Outage(0.0, MENDED_AT_S),),
        guarantees=("permanent_failures", "dead_letters_explained", *ALWAYS),
        must_hit=(("outage", "running"),),
        sink="blind",
        max_deliveries=MAX_DELIVERIES,
        deadline_s=60.0,
    )


SCENARIO = Scenario(
    "permanent-failure",
    "jobs that can never succeed go to the dead letters at once, with the reason",
    build,
    rank=90,
)
