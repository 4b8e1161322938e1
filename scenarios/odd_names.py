"""Two queues whose names differ in case, two jobs of which one is named like the other and more.

A name is looked up by people who did not choose it. A database that does not tell upper from
lower case, a pattern in which a star means anything, a prefix that is taken for the whole, a
column that ends after 255 characters: each makes one of two names. Then a job is taken for a
duplicate of another and never done, or a worker is handed a job of a queue that is not its own.

Here three pools serve queues with such names, and jobs have such ids; a few lose their worker.
"""

from __future__ import annotations

from random import Random

from ..harness.faults.kill_at import KillAt
from ..harness.plan.names import ODD_NAMES
from ..harness.plan.plan import Plan, PlannedJob, Pool, Queue
from .scenario import ALWAYS, Scenario

QUEUES = ("orders", "Orders", "orders:eu", "order*", "a.b/c d", "заказы")
POOLS = ((0, 4), (1, 3), (2, 5))  # names that may be taken for one another are in other pools
WORKERS = 2


def build(rng: Random, seed: int, variant: str) -> Plan:
    names = list(ODD_NAMES)
    rng.shuffle(names)
    jobs = tuple(
        PlannedJob(
            round(rng.uniform(0.0, 0.5), 3),
            number % len(QUEUES),
            round(rng.uniform(0.02, 0.06), 3),
            name=name,
        )
        for number, name in enumerate(names)
    )
    victims = rng.sample(range(len(jobs)), 2)
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=tuple(map(Queue, QUEUES)),
        pools=tuple(
            Pool(f"pool {number}", tuple(QUEUES[queue] for queue in queues), WORKERS)
            for number, queues in enumerate(POOLS)
        ),
        jobs=jobs,
        faults=tuple(KillAt(job, "mid_job") for job in victims),
        guarantees=("queues_kept", *ALWAYS),
        must_hit=(("worker kill", "running"),),
        sink="keyed",
        lease_s=1.0,
        max_deliveries=4,
        deadline_s=60.0,
    )


SCENARIO = Scenario(
    "odd-names",
    "ids and queue names that are easily taken for one another; none of them is",
    build,
    rank=164,
)
