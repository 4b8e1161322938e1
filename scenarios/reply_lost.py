"""The server did it, and the client does not know.

A reply is lost after the work is done: the job is held but its producer saw a timeout, the
ack counts but the worker saw a timeout, the failure was noted but nobody said so. The
client repeats, as it must, and now everything depends on what a repetition does. A queue
that takes the second enqueue for a second job pays twice; one that takes the second ack
for a stranger's makes its worker undo what was done.

Here replies of every kind of call are lost, some of them twice in a row, some jobs fail at
first, and long ones extend their lease. The outside world does not deduplicate, and no
worker dies: there is no excuse for a second effect.
"""

from __future__ import annotations

from random import Random

from ..harness.faults.fault import Fault
from ..harness.faults.fields import Call
from ..harness.faults.net_fault import NetFault
from ..harness.plan.plan import Plan, PlannedJob, Pool, Queue
from .scenario import ALWAYS, Scenario

JOBS = 36
WORKERS = 3
LEASE_S = 1.5
LOST: dict[Call, int] = {"enqueue": 6, "lease": 4, "ack": 6, "nack": 3, "extend": 3}
FAILING, LONG = 8, 5


def build(rng: Random, seed: int, variant: str) -> Plan:
    jobs = []
    for index in range(JOBS):
        fails = index < FAILING
        long = FAILING <= index < FAILING + LONG
        jobs.append(
            PlannedJob(
                at_s=round(rng.uniform(0.0, 0.8), 3),
                queue=0,
                service_s=round(rng.uniform(1.1, 1.6) if long else rng.uniform(0.03, 0.1), 3),
                behaviour="fail" if fails else "ok",
                failures=1 if fails else 0,
            )
        )
    faults: list[Fault] = []
    for call, times in LOST.items():
        among = {"nack": FAILING // 2, "extend": LONG}.get(call, JOBS - 8)
        places = sorted(rng.sample(range(1, among), times - 1))
        faults += [NetFault(call, place, "lose_reply") for place in places]
        # One more right after one of them: the repetition is not heard of, either.
        faults.append(NetFault(call, rng.choice(places) + 1, "lose_reply"))
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("orders"),),
        pools=(Pool("orders", ("orders",), WORKERS),),
        jobs=tuple(jobs),
        faults=tuple(faults),
        guarantees=ALWAYS,
        must_hit=(
            ("enqueue lose reply", "before lease"),
            ("lease lose reply", "leased"),
            ("ack lose reply", "after ack"),
            ("nack lose reply", "running"),
            ("extend lose reply", "running"),
        ),
        sink="blind",
        lease_s=LEASE_S,
        call_timeout_s=0.25,
        max_deliveries=6,
        deadline_s=60.0,
    )


SCENARIO = Scenario(
    "reply-lost",
    "the queue did what it was asked and its reply is lost; repeating it changes nothing",
    build,
    rank=40,
)
