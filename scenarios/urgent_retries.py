"""An urgent job fails, and when it comes back it stands at the end of the line.

The priority belongs to the job and not to its first delivery. Where a retry is a new message, or
a second list, it is easily left behind: the password reset fails once, because the mail server
hiccuped, and then waits behind the newsletter. It is no better with numbers that somebody thought
nobody would use: a priority below zero that is taken for a very large one, or a large one that
wraps around.

Here urgent jobs of high and of very high priority fail once or twice, or lose their worker, above
a backlog of ordinary ones; others of a priority below zero have to wait until all are done.
"""

from __future__ import annotations

from random import Random

from ..harness.faults.kill_at import KillAt
from ..harness.plan.plan import Plan, PlannedJob, Pool, Queue
from ..protocol.commands import RetryPolicy
from .scenario import ALWAYS, Scenario

URGENT, ORDINARY, IDLE = 9, 48, 5
HIGH = (3, 1_000, 1_000_000)
LOW = (-1, -300, -1_000_000)
WORKERS = 3


def build(rng: Random, seed: int, variant: str) -> Plan:
    def at(first_s: float, last_s: float) -> float:
        return round(rng.uniform(first_s, last_s), 3)

    idle = [PlannedJob(at(0.5, 1.0), 0, 0.05, priority=rng.choice(LOW)) for _ in range(IDLE)]
    ordinary = [PlannedJob(at(0.0, 0.4), 0, at(0.2, 0.35)) for _ in range(ORDINARY)]
    urgent = [
        PlannedJob(
            at(0.5, 2.0),
            0,
            0.02,
            "fail" if number % 3 else "ok",
            failures=number % 3,
            priority=HIGH[number // 3],
        )
        for number in range(URGENT)
    ]
    jobs = (*urgent, *ordinary, *idle)
    victims = rng.sample(range(0, URGENT, 3), 2)
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("mail"),),
        pools=(Pool("mail", ("mail",), WORKERS),),
        jobs=jobs,
        faults=tuple(KillAt(job, "mid_job") for job in victims),
        guarantees=("priorities_respected", *ALWAYS),
        must_hit=(("worker kill", "running"),),
        sink="keyed",
        lease_s=0.8,
        max_deliveries=4,
        retry=RetryPolicy(0.05, 2.0, 0.2, "equal"),
        deadline_s=60.0,
        producers=4,
    )


SCENARIO = Scenario(
    "urgent-retries",
    "urgent jobs fail and come back as urgent as they were; what is below zero waits",
    build,
    rank=162,
)
