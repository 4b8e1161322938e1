"""An hour's worth of work arrives in a second, and then nothing.

The backlog is no failure by itself; what counts is how it ends. Urgent work must overtake it,
what is waiting must not be dropped or run twice because it waited long, and when the burst is
over the backlog must be worked off and the age of the oldest job go back to nothing.

Here a burst of slow jobs meets a trickle of urgent ones of a higher priority in the same queue
and the same pool, and one worker dies in the middle of it.
"""

from __future__ import annotations

from random import Random

from ..harness.faults.flood import Flood
from ..harness.faults.kill_at import KillAt
from ..harness.plan.plan import Plan, PlannedJob, Pool, Queue
from .scenario import ALWAYS, Scenario

BURST = 50
URGENT = 8
WORKERS = 4
BOUND_S = 2.0


def build(rng: Random, seed: int, variant: str) -> Plan:
    burst = tuple(
        PlannedJob(
            round(0.2 + rng.uniform(0.0, 0.3), 3),
            0,
            round(rng.uniform(0.1, 0.4), 3),
            flood=True,
        )
        for _ in range(BURST)
    )
    urgent = tuple(
        PlannedJob(round(rng.uniform(0.6, 2.0), 3), 1, 0.02, priority=10) for _ in range(URGENT)
    )
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("thumbnails"), Queue("checkout", BOUND_S)),
        pools=(Pool("all", ("thumbnails", "checkout"), WORKERS),),
        jobs=burst + urgent,
        faults=(Flood(0.2), KillAt(rng.randrange(BURST), "mid_job")),
        guarantees=("no_starvation", *ALWAYS),
        must_hit=(("flood", "before lease"), ("worker kill", "running")),
        sink="blind",
        lease_s=1.0,
        max_deliveries=3,
        deadline_s=60.0,
    )


SCENARIO = Scenario(
    "burst",
    "a burst is worked off, urgent jobs of a higher priority overtake it, nothing is dropped",
    build,
    rank=150,
)
