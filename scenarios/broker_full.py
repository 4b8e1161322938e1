"""The memory of the queue's server is full for a while, and it refuses what would need more.

A flood, a forgotten set of results, another application on the same Redis: one day ``maxmemory`` is
reached. Redis keeps what it has and refuses to take anything (``noeviction``). A producer that does
not look at the answer has lost a job that it never handed over; it must be told. And a worker still
gets jobs, since handing one out needs no memory; but the note that it has it does. Whoever takes a
job with one command and notes that with the next has it nowhere in between.

Here the memory is full for two seconds while producers enqueue and workers work. What was refused
is told in the server's own words; what was accepted must be done when there is memory again.
"""

from __future__ import annotations

from random import Random

from ..harness.faults.broker_full import BrokerFull
from ..harness.plan.plan import Plan, PlannedJob, Pool, Queue
from .scenario import ALWAYS, Scenario

EARLY, LATER = 24, 16
WORKERS = 2
FULL_S = 2.0


def build(rng: Random, seed: int, variant: str) -> Plan:
    times = [rng.uniform(0.0, 0.4) for _ in range(EARLY)]
    times += [rng.uniform(0.6, 4.0) for _ in range(LATER)]
    jobs = tuple(PlannedJob(round(at_s, 3), 0, round(rng.uniform(0.15, 0.25), 3)) for at_s in times)
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("orders"),),
        pools=(Pool("orders", ("orders",), WORKERS),),
        jobs=jobs,
        faults=(BrokerFull(round(rng.uniform(0.9, 1.1), 3), FULL_S),),
        guarantees=ALWAYS,
        must_hit=(("broker full", "before lease"),),
        deadline_s=60.0,
    )


SCENARIO = Scenario(
    "broker-full",
    "the memory of the queue's server is full for a while; what it accepted is kept and done",
    build,
    driver="process",
    rank=71,
)
