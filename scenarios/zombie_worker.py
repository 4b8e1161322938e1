"""A worker freezes past its lease and comes back without knowing it.

A long garbage collection, a laptop lid, a live migration. To itself no time has passed: it
extends a lease that has ended, applies an effect that another worker has applied, acks a job
that is somebody else's. It cannot be stopped from trying; it must be refused, by the token
that it was given.

Here workers are paused in the middle of a job, before its effect and before its ack, each for
several leases. One job is long, and two workers have nothing else to do: the first one wakes up
while the second still works at it, and sends heartbeats for a lease that is not its own. The
outside world knows idempotency keys, since an effect cannot be fenced.
"""

from __future__ import annotations

from random import Random

from ..harness.faults.pause_at import PauseAt
from ..harness.plan.plan import Plan, PlannedJob, Pool, Queue
from ..protocol.worker import Point
from .scenario import ALWAYS, Scenario

JOBS = 24
WORKERS = 4
LEASE_S = 0.6
POINTS: tuple[Point, ...] = ("mid_job", "before_effect", "after_effect")
EACH = 2
LONG_S = 5 * LEASE_S


def build(rng: Random, seed: int, variant: str) -> Plan:
    jobs = tuple(
        PlannedJob(round(rng.uniform(0.0, 1.5), 3), 0, round(rng.uniform(0.05, 0.15), 3))
        for _ in range(JOBS)
    )
    long = PlannedJob(round(rng.uniform(0.0, 0.3), 3), 1, LONG_S)
    victims = rng.sample(range(JOBS), EACH * len(POINTS))
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("payments"), Queue("settlements")),
        pools=(Pool("payments", ("payments",), WORKERS), Pool("settlements", ("settlements",), 2)),
        jobs=(*jobs, long),
        faults=(
            *(PauseAt(victims.pop(), point, 5 * LEASE_S) for point in POINTS for _ in range(EACH)),
            PauseAt(JOBS, "mid_job", 3 * LEASE_S),
        ),
        guarantees=ALWAYS,
        must_hit=(("worker pause", "running"), ("worker pause", "after effect, before ack")),
        sink="keyed",
        lease_s=LEASE_S,
        max_deliveries=4,
        deadline_s=60.0,
    )


SCENARIO = Scenario(
    "zombie-worker",
    "workers freeze past their lease and come back; what they say then is refused",
    build,
    rank=140,
)
