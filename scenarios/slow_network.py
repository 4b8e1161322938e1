"""Nothing is lost; everything merely takes too long.

A slow network is worse than a broken one: calls time out although they succeed, requests
arrive after their sender has given up and asked again, leases shrink by the time that the
word of them takes to travel. Timeouts that never fired in tests fire all at once.

Here the network is slow twice: once so that every call just makes it, once so that no call
makes it in time though every request arrives. The outside world knows idempotency keys.
"""

from __future__ import annotations

from random import Random

from ..harness.faults.slow_network import SlowNetwork
from ..harness.plan.plan import Plan, PlannedJob, Pool, Queue
from .scenario import ALWAYS, Scenario

JOBS = 40
WORKERS = 3
CALL_TIMEOUT_S = 0.25
LEASE_S = 1.5


def build(rng: Random, seed: int, variant: str) -> Plan:
    jobs = tuple(
        PlannedJob(
            at_s=round(rng.uniform(0.0, 2.4), 3),
            queue=0,
            service_s=round(rng.uniform(0.05, 0.3), 3),
        )
        for _ in range(JOBS)
    )
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("orders"),),
        pools=(Pool("orders", ("orders",), WORKERS),),
        jobs=jobs,
        faults=(
            SlowNetwork(round(rng.uniform(0.7, 0.8), 3), 0.6, round(rng.uniform(0.06, 0.1), 3)),
            SlowNetwork(round(rng.uniform(1.8, 2.0), 3), 0.7, round(rng.uniform(0.3, 0.5), 3)),
        ),
        guarantees=ALWAYS,
        must_hit=(("slow network", "before lease"), ("slow network", "running")),
        sink="keyed",
        lease_s=LEASE_S,
        call_timeout_s=CALL_TIMEOUT_S,
        max_deliveries=6,
        deadline_s=60.0,
    )


SCENARIO = Scenario(
    "slow-network",
    "every message is late, many too late; work goes on and nothing is done twice",
    build,
    rank=60,
)
