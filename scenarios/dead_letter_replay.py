"""The cause is mended, and the dead letters are replayed while workers still die.

A replay moves a job from one place to another. Done in two steps, a crash between them loses
it or runs it twice; done without a fresh budget, it dies again at the first hiccup. Each job
must be either still a dead letter or done exactly once.

Here malformed jobs fail until the fix. An operator replays a few of them before it, which
must end as dead letters again, and all of them after it. Whoever takes some of the replayed
jobs is killed, always before the effect: the outside world counts every request, and none may
come twice.
"""

from __future__ import annotations

from random import Random

from ..harness.faults.kill_at import KillAt
from ..harness.faults.outage import Outage
from ..harness.plan.plan import Plan, PlannedJob, Pool, Queue, ReplayDead
from .scenario import ALWAYS, Scenario

JOBS = 30
BROKEN = 12
WORKERS = 3
FIXED_AT_S = 1.6


def build(rng: Random, seed: int, variant: str) -> Plan:
    jobs = tuple(
        PlannedJob(
            round(rng.uniform(0.0, 0.6), 3),
            0,
            round(rng.uniform(0.02, 0.08), 3),
            behaviour="malformed" if index < BROKEN else "ok",
        )
        for index in range(JOBS)
    )
    # None of them comes that far before the fix, so these strike what was replayed.
    struck = rng.sample(range(BROKEN), 5)
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("imports"),),
        pools=(Pool("imports", ("imports",), WORKERS),),
        jobs=jobs,
        faults=(
            Outage(0.0, FIXED_AT_S),
            *(KillAt(job, "before_effect") for job in struck[:3]),
            *(KillAt(job, "mid_job") for job in struck[3:]),
        ),
        guarantees=("permanent_failures", *ALWAYS),
        must_hit=(("outage", "running"), ("worker kill", "running")),
        sink="blind",
        lease_s=0.8,
        max_deliveries=4,
        deadline_s=60.0,
        actions=(
            ReplayDead(1.1, reason="malformed", at_most=4),
            ReplayDead(FIXED_AT_S + 0.4, queue="imports"),
        ),
    )


SCENARIO = Scenario(
    "dead-letter-replay",
    "dead letters are replayed while workers die; each is done once or still a dead letter",
    build,
    rank=120,
)
