"""More work arrives than can be done, and goes on arriving.

A queue without a limit accepts it all, and everything in it gets older; when the producers
notice, the backlog is hours long. A queue with a limit says no while there is time to slow
down, clearly, and keeps what it has said yes to.

Here reports arrive at several times the speed of the workers, and their queue may hold ten.
Mail shares the workers with them: it waits behind ten reports at most, not behind them all.
"""

from __future__ import annotations

from random import Random

from ..harness.faults.flood import Flood
from ..harness.plan.plan import Plan, PlannedJob, Pool, Queue
from .scenario import ALWAYS, Scenario

JOBS = 60
WORKERS = 2
MAX_WAITING = 10
MAILS = 4
BOUND_S = 5.0  # ten reports, even where a message takes 100 ms


def build(rng: Random, seed: int, variant: str) -> Plan:
    jobs = tuple(
        PlannedJob(round(rng.uniform(0.0, 1.5), 3), 0, round(rng.uniform(0.2, 0.4), 3), flood=True)
        for _ in range(JOBS)
    )
    mails = tuple(PlannedJob(round(rng.uniform(0.8, 1.4), 3), 1, 0.02) for _ in range(MAILS))
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("reports", max_waiting=MAX_WAITING), Queue("mail", BOUND_S)),
        pools=(Pool("all", ("reports", "mail"), WORKERS),),
        jobs=jobs + mails,
        faults=(Flood(0.0),),
        guarantees=("backlog_bounded", "no_starvation", *ALWAYS),
        must_hit=(("flood", "before lease"),),
        sink="blind",
        lease_s=2.0,
        call_timeout_s=1.0,
        deadline_s=60.0,
    )


SCENARIO = Scenario(
    "overload",
    "more arrives than can be done; a queue with a limit says no and keeps what it accepted",
    build,
    rank=160,
)
