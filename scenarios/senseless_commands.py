"""Not all that reaches a queue makes sense: producers have bugs, and old clients stay connected.

A limit is read from a file that is empty, and the job allows no delivery; a factor is divided by 0;
an old script acks by the job's id and makes the token up. A queue that takes such a command holds
what it cannot carry out, or lets a stranger end somebody's job.

Here ordinary jobs run, one of them loses its worker, and meanwhile somebody sends each senseless
command that there is, some of them about jobs that are being worked on. Behind each ack comes one
heartbeat more, and somebody asks for a replay of what is done. Each must be refused, and the jobs
must not notice.
"""

from __future__ import annotations

from random import Random

from ..harness.faults.kill_at import KillAt
from ..harness.plan.plan import Plan, PlannedJob, Pool, Queue, Senseless
from ..harness.plan.senseless import NAMES
from .scenario import ALWAYS, Scenario

JOBS = 8
WORKERS = 2
SPAN_S = 1.5  # jobs come and nonsense is said within it


def build(rng: Random, seed: int, variant: str) -> Plan:
    jobs = tuple(
        PlannedJob(round(rng.uniform(0.0, SPAN_S), 3), 0, round(rng.uniform(0.1, 0.4), 3))
        for _ in range(JOBS)
    )
    said = tuple(
        Senseless(round(rng.uniform(0.0, SPAN_S), 3), name, rng.randrange(JOBS)) for name in NAMES
    )
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("orders"),),
        pools=(Pool("orders", ("orders",), WORKERS),),
        jobs=jobs,
        faults=(KillAt(rng.randrange(JOBS), "mid_job"),),
        guarantees=("senseless_refused", *ALWAYS),
        must_hit=(("worker kill", "running"),),
        sink="keyed",
        lease_s=1.0,
        max_deliveries=4,
        deadline_s=60.0,
        actions=said,
        late_words=True,
    )


SCENARIO = Scenario(
    "senseless-commands",
    "commands that make no sense are refused, and the jobs beside them do not notice",
    build,
    rank=165,
)
