"""What every job depends on goes down, and all of them fail at the same moment.

If they all retry at the same moment too, the next wave is as high as the first, and when the
dependency comes back it is trampled and goes down again. A retry needs a backoff that grows, a
cap, and jitter: the same delay for everybody only moves the crowd.

Here the dependency is down for a while under a burst of jobs. Retries must wait for their
backoff, must not come in lockstep, must end, and nothing may be lost.
"""

from __future__ import annotations

from random import Random

from ..harness.faults.outage import Outage
from ..harness.plan.plan import Plan, PlannedJob, Pool, Queue
from ..protocol.commands import RetryPolicy
from .scenario import ALWAYS, Scenario

JOBS = 48
WORKERS = 4
DOWN_S = 2.6


def build(rng: Random, seed: int, variant: str) -> Plan:
    jobs = tuple(
        PlannedJob(round(rng.uniform(0.0, 0.02), 3), 0, 0.004, behaviour="depends")
        for _ in range(JOBS)
    )
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("webhooks"),),
        pools=(Pool("webhooks", ("webhooks",), WORKERS),),
        jobs=jobs,
        faults=(Outage(0.0, DOWN_S),),
        guarantees=("backoff_respected", "retries_spread", *ALWAYS),
        must_hit=(("outage", "running"),),
        lease_s=2.0,
        call_timeout_s=1.0,
        max_deliveries=8,
        retry=RetryPolicy(4.0, 2.0, 6.0, "equal"),
        deadline_s=60.0,
    )


SCENARIO = Scenario(
    "retry-storm",
    "a dependency goes down and every job retries; the crowd is spread and the attempts end",
    build,
    rank=80,
)
