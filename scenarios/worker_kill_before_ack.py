"""A worker dies after it was given a job and before it acknowledged it.

It happens on every deploy that is not graceful, on every out-of-memory kill, on every
lost machine. If the queue has forgotten the job by then, the payment is gone. If it
hands the job out again and the job is not idempotent, the customer pays twice. And a job
that itself kills its worker takes down one worker after another, unless crashed
deliveries count.

Here four workers charge cards through an API that knows idempotency keys. They are
killed at each point of a job's life before the ack; two are paused past their lease and
come back as zombies; some are killed after their ack, which must change nothing; and
one poison job kills whoever takes it.
"""

from __future__ import annotations

from random import Random

from ..harness.faults.fault import Fault
from ..harness.faults.kill_at import KillAt
from ..harness.faults.kill_worker import KillWorker
from ..harness.faults.pause_at import PauseAt
from ..harness.plan.plan import Plan, PlannedJob, Pool, Queue
from ..protocol.worker import Point
from .scenario import ALWAYS, Scenario

JOBS = 40
WORKERS = 4
MAX_DELIVERIES = 4
LEASE_S = 1.0
BEFORE_ACK: tuple[Point, ...] = ("after_lease", "mid_job", "before_effect", "after_effect")
KILLS_PER_POINT = 5
POISON = JOBS - 1


def build(rng: Random, seed: int, variant: str) -> Plan:
    jobs = tuple(
        PlannedJob(
            at_s=round(rng.uniform(0.0, 1.5), 3),
            queue=0,
            service_s=round(rng.uniform(0.02, 0.12), 3),
        )
        for _ in range(JOBS)
    )
    victims = rng.sample(range(JOBS - 1), KILLS_PER_POINT * len(BEFORE_ACK) + 4)
    faults: list[Fault] = [
        KillAt(victims.pop(), point) for point in BEFORE_ACK for _ in range(KILLS_PER_POINT)
    ]
    faults += [KillAt(victims.pop(), "after_ack") for _ in range(2)]
    faults += [PauseAt(victims.pop(), "after_effect", LEASE_S * 4.0) for _ in range(2)]
    faults += [KillAt(POISON, "mid_job", times=2 * MAX_DELIVERIES)]
    faults += [KillWorker(rng.randrange(WORKERS), round(rng.uniform(0.5, 2.5), 3))]
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("payments"),),
        pools=(Pool("payments", ("payments",), WORKERS),),
        jobs=jobs,
        faults=tuple(faults),
        guarantees=ALWAYS,
        must_hit=(
            ("worker kill", "leased"),
            ("worker kill", "running"),
            ("worker kill", "after effect, before ack"),
            ("worker pause", "after effect, before ack"),
        ),
        sink="keyed",
        lease_s=LEASE_S,
        max_deliveries=MAX_DELIVERIES,
        deadline_s=60.0,
    )


SCENARIO = Scenario(
    "worker-kill-before-ack",
    "workers are SIGKILLed while they hold a job; nothing is lost, nobody pays twice",
    build,
    rank=10,
    main=True,
)
