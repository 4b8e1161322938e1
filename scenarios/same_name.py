"""Workers die and come back under the names that they had, at once.

A machine that reboots, a StatefulSet, a unit of systemd: the successor is called like the dead one.
A register of workers by their names still has the dead one in it. If the successor is taken for it,
what the dead one held may count as being worked at; if it is refused until the dead one's entry has
expired, nobody works meanwhile.

Here both workers die with jobs in hand, one after the other, and each is started again at once
under its own name.
"""

from __future__ import annotations

from random import Random

from ..harness.faults.replace_worker import ReplaceWorker
from ..harness.plan.plan import Plan, PlannedJob, Pool, Queue
from .scenario import ALWAYS, Scenario

JOBS = 30
WORKERS = 2


def build(rng: Random, seed: int, variant: str) -> Plan:
    jobs = tuple(
        PlannedJob(round(rng.uniform(0.0, 3.0), 3), 0, round(rng.uniform(0.3, 0.5), 3))
        for _ in range(JOBS)
    )
    first_s = round(rng.uniform(0.6, 0.8), 3)
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("orders"),),
        pools=(Pool("orders", ("orders",), WORKERS),),
        jobs=jobs,
        faults=(ReplaceWorker(0, first_s), ReplaceWorker(1, round(first_s + 1.2, 3))),
        guarantees=ALWAYS,
        must_hit=(("worker replaced", "running"),),
        sink="keyed",
        lease_s=1.0,
        max_deliveries=4,
        deadline_s=60.0,
    )


SCENARIO = Scenario(
    "same-name",
    "workers are killed and come back at once under their own names; nothing is lost for that",
    build,
    rank=132,
)
