"""Jobs are due later than any lease lasts: a countdown of two hours where a lease ends after one.

Whoever keeps a delayed job as a message that a worker holds, and wakes it when it is due, holds it
longer than a message may be held. The lease ends, the message is handed to another worker, who
waits, too, and in the end the reminder is sent by each of them.

Here some jobs are delayed for one and a half and for two and a half leases, beside others that are
due at once. Where the library's own lease is an hour, so are these delays hours.
"""

from __future__ import annotations

from random import Random

from ..harness.plan.plan import Plan, PlannedJob, Pool, Queue
from .scenario import ALWAYS, Scenario

LEASE_S = 1.0
IN_LEASES = (1.5, 2.5)
EACH, AT_ONCE = 3, 6
WORKERS = 2


def build(rng: Random, seed: int, variant: str) -> Plan:
    delays = [*IN_LEASES * EACH, *(0.0,) * AT_ONCE]
    jobs = tuple(
        PlannedJob(
            round(rng.uniform(0.0, 0.5), 3),
            0,
            round(rng.uniform(0.02, 0.06), 3),
            delay_s=LEASE_S * leases,
        )
        for leases in delays
    )
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("reminders"),),
        pools=(Pool("reminders", ("reminders",), WORKERS),),
        jobs=jobs,
        faults=(),
        guarantees=("delays_respected", *ALWAYS),
        sink="keyed",
        lease_s=LEASE_S,
        max_deliveries=4,
        deadline_s=60.0,
    )


SCENARIO = Scenario(
    "delayed-past-lease",
    "jobs are due later than any lease lasts; each runs when it is due, and once",
    build,
    rank=162,
    delays_in_leases=True,
)
