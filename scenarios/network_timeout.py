"""The network loses a request or its answer, and nobody can tell which.

The producer does not know whether its job was accepted; the worker does not know whether
its ack was heard; the queue handed out a job and the answer never arrived. Whoever gives
up loses work, whoever repeats carelessly does it twice. The cure is to repeat safely: an
enqueue by its job id, an ack by its token, a lost lease by letting it expire.

Here every one of the three calls loses requests and replies, some acks are delayed past
the caller's patience or delivered twice, some connections are reset, and for a while
nothing passes at all.
"""

from __future__ import annotations

from random import Random

from ..harness.faults.fault import Fault
from ..harness.faults.fields import Call, NetEffect
from ..harness.faults.net_fault import NetFault
from ..harness.faults.net_timeout import NetTimeout
from ..harness.plan.plan import Plan, PlannedJob, Pool, Queue
from .scenario import ALWAYS, Scenario

JOBS = 40
WORKERS = 3
CALLS: tuple[Call, ...] = ("enqueue", "lease", "ack")
LOSSES: tuple[NetEffect, ...] = ("lose_request", "lose_reply")
EACH = 3


def build(rng: Random, seed: int, variant: str) -> Plan:
    jobs = tuple(
        PlannedJob(
            at_s=round(rng.uniform(0.0, 0.7), 3),
            queue=0,
            service_s=round(rng.uniform(0.06, 0.18), 3),
        )
        for _ in range(JOBS)
    )
    faults: list[Fault] = []
    for call in CALLS:
        # In the middle of the run there is a backlog, so each of these calls concerns a job.
        first = 10 if call == "lease" else 4
        places = rng.sample(range(first, first + 16), EACH * len(LOSSES) + 3)
        faults += [NetFault(call, places.pop(), how) for how in LOSSES for _ in range(EACH)]
        faults += [
            NetFault(call, places.pop(), "delay", delay_s=0.5),
            NetFault(call, places.pop(), "duplicate"),
            NetFault(call, places.pop(), "reset"),
        ]
    faults += [NetTimeout(at_s=round(rng.uniform(3.2, 3.6), 3), for_s=0.5)]
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("orders"),),
        pools=(Pool("orders", ("orders",), WORKERS),),
        jobs=jobs,
        faults=tuple(faults),
        guarantees=ALWAYS,
        must_hit=(
            ("enqueue lose request", "before lease"),
            ("enqueue lose reply", "before lease"),
            ("lease lose request", "before lease"),
            ("lease lose reply", "leased"),
            ("ack lose request", "after effect, before ack"),
            ("ack lose reply", "after ack"),
        ),
        sink="keyed",
        lease_s=1.5,
        call_timeout_s=0.25,
        max_deliveries=6,
        deadline_s=60.0,
    )


SCENARIO = Scenario(
    "network-timeout",
    "requests and answers of enqueue, lease and ack get lost; every job is done exactly once",
    build,
    rank=20,
    main=True,
)
