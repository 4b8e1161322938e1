"""Some workers are cut off from the queue, work on, and come back as zombies.

To the queue they are dead: their leases expire and their jobs go to others. To themselves
they are fine: they finish, they charge the card, and when the network is back they report
success for jobs that have long had a new holder. Whoever believes them settles somebody
else's delivery; whoever forgot the jobs when the workers fell silent has lost them.

Here half of the workers lose the queue for longer than their lease, twice, in the middle
of jobs of all lengths. Cards are charged through an API that knows idempotency keys.
"""

from __future__ import annotations

from random import Random

from ..harness.faults.partition import Partition
from ..harness.plan.plan import Plan, PlannedJob, Pool, Queue
from .scenario import ALWAYS, Scenario

JOBS = 40
WORKERS = 4
CUT_OFF = (0, 1)
LEASE_S = 0.9
FOR_S = 1.6


def build(rng: Random, seed: int, variant: str) -> Plan:
    jobs = tuple(
        PlannedJob(
            at_s=round(rng.uniform(0.0, 0.6), 3),
            queue=0,
            service_s=round(rng.uniform(0.15, 0.8), 3),
        )
        for _ in range(JOBS)
    )
    first_at_s = round(rng.uniform(0.8, 1.2), 3)
    second_at_s = round(first_at_s + FOR_S + rng.uniform(0.5, 0.9), 3)
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("payments"),),
        pools=(Pool("payments", ("payments",), WORKERS),),
        jobs=jobs,
        faults=(
            Partition(CUT_OFF, first_at_s, FOR_S),
            Partition(CUT_OFF[:1], second_at_s, FOR_S),
        ),
        guarantees=ALWAYS,
        must_hit=(("partition", "running"),),
        sink="keyed",
        lease_s=LEASE_S,
        call_timeout_s=0.25,
        max_deliveries=5,
        deadline_s=60.0,
    )


SCENARIO = Scenario(
    "partition",
    "workers are cut off past their lease and come back as zombies; their word is refused",
    build,
    rank=50,
)
