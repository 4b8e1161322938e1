"""A deploy renames a task: its first worker is of the new version, and the queue holds old names.

While a deploy rolls, both versions run side by side, and for as long as the queue is not empty
there are jobs under the old name. Whoever is handed a name that he does not know has a choice: give
the job back, keep it as failed where somebody finds it, or throw it away. The last is how a renamed
function loses a morning's orders, and only the log says so.

Here one of the workers is replaced by one that does not know the task any more, while jobs under
its old name go on coming and the others still know it.
"""

from __future__ import annotations

from random import Random

from ..harness.faults.deploy import Deploy
from ..harness.plan.plan import Plan, PlannedJob, Pool, Queue
from .scenario import ALWAYS, Scenario

JOBS = 40
WORKERS = 2
WITHIN_S = 3.0
LASTS_S = 12.0  # a worker of a large app takes its time to start


def build(rng: Random, seed: int, variant: str) -> Plan:
    jobs = tuple(
        PlannedJob(
            round(LASTS_S * (index + rng.random()) / JOBS, 3), 0, round(rng.uniform(0.3, 0.5), 3)
        )
        for index in range(JOBS)
    )
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("orders"),),
        pools=(Pool("orders", ("orders",), WORKERS),),
        jobs=jobs,
        faults=(Deploy((0,), round(rng.uniform(0.7, 0.9), 3), WITHIN_S),),
        guarantees=ALWAYS,
        must_hit=(("deploy", "leased"),),
        deadline_s=60.0,
    )


SCENARIO = Scenario(
    "rolling-deploy",
    "a new version knows the task by another name; jobs under the old one are not thrown away",
    build,
    driver="process",
    rank=131,
)
