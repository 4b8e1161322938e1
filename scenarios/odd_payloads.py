"""What a job carries is not text: it is compressed, encrypted, a picture; it is empty, or large.

Somewhere on its way it is taken for something that it is not. A string ends at its first NUL; a
text must be UTF-8, and what is not is replaced; a column, or a length of 16 bits, ends after
65,535 bytes; an empty value and no value are the same. The job is accepted and runs, on other
data than it was given.

Here jobs carry nothing, one byte, and sizes about each of the limits that queues have, of bytes
that are no text. Some fail and are tried again, some lose their worker, and two that are given up
on are replayed: whoever gets a job, the first or the last of them, must be given what was
enqueued.
"""

from __future__ import annotations

from random import Random

from ..harness.faults.kill_at import KillAt
from ..harness.faults.outage import Outage
from ..harness.plan.plan import Behaviour, Plan, PlannedJob, Pool, Queue, ReplayDead
from .scenario import ALWAYS, Scenario

SIZES = (0, 1, 2, 127, 128, 255, 256, 4_096, 65_535, 65_536, 65_537, 100_000)
BEHAVIOURS: tuple[Behaviour, ...] = ("ok", "fail", "malformed")
WORKERS = 3
FIXED_AT_S = 1.5


def build(rng: Random, seed: int, variant: str) -> Plan:
    ways = [(size, behaviour) for size in SIZES for behaviour in BEHAVIOURS]
    rng.shuffle(ways)
    jobs = tuple(
        PlannedJob(
            round(rng.uniform(0.0, 0.8), 3),
            0,
            round(rng.uniform(0.02, 0.06), 3),
            behaviour,
            failures=1,
            payload_bytes=size,
        )
        for size, behaviour in ways
    )
    largest = ways.index((max(SIZES), "ok"))
    smallest = ways.index((min(SIZES), "ok"))
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("uploads"),),
        pools=(Pool("uploads", ("uploads",), WORKERS),),
        jobs=jobs,
        faults=(
            Outage(0.0, FIXED_AT_S),
            KillAt(largest, "mid_job"),
            KillAt(smallest, "mid_job"),
        ),
        guarantees=("payloads_intact", *ALWAYS),
        must_hit=(("worker kill", "running"),),
        sink="keyed",
        lease_s=1.0,
        max_deliveries=4,
        deadline_s=60.0,
        actions=(ReplayDead(FIXED_AT_S + 0.5),),
    )


SCENARIO = Scenario(
    "odd-payloads",
    "payloads that are empty, binary or large arrive as they were enqueued, whoever gets them",
    build,
    rank=163,
)
