"""Clocks jump: a worker's runs ahead, another's behind, the server's is put wrong and right again.

A clock that was set by hand, a virtual machine that slept, a time server that was wrong. Whoever
measures a lease by a clock that jumps ends it under a living worker, or never. Whoever asks the
clock of the worker believes the most wrong of them all.

Here the clocks of three workers, and then the server's, are off by far more than a lease while
jobs run and failed ones wait for their retry. The server is killed while its clock stands back,
and must not begin its time anew there; some workers die, whose jobs come back only if their
leases end. Real processes have clocks of their own in leaping time only.
"""

from __future__ import annotations

from random import Random

from ..harness.faults.broker_crash import BrokerCrash
from ..harness.faults.fields import SERVER
from ..harness.faults.kill_at import KillAt
from ..harness.faults.skew_clock import SkewClock
from ..harness.plan.plan import Plan, PlannedJob, Pool, Queue
from ..protocol.commands import RetryPolicy
from .scenario import ALWAYS, Scenario

JOBS = 24
WORKERS = 8
KILLED = 3
LEASE_S = 1.5
FAR_S = 30.0


def build(rng: Random, seed: int, variant: str) -> Plan:
    def at(first_s: float, last_s: float) -> float:
        return round(rng.uniform(first_s, last_s), 3)

    jobs = tuple(
        PlannedJob(at(0.0, 5.0), 0, at(1.0, 2.4), "fail" if number % 4 == 0 else "ok", failures=1)
        for number in range(JOBS)
    )
    ahead, *behind = rng.sample(range(WORKERS), 3)
    back_at_s = at(4.5, 4.8)
    victims = rng.sample(range(JOBS), KILLED)
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("payments"),),
        pools=(Pool("payments", ("payments",), WORKERS),),
        jobs=jobs,
        faults=(
            SkewClock(ahead, at(0.5, 0.9), FAR_S, 1.0),
            *(SkewClock(worker, at(1.0, 1.4), -FAR_S, 2.0) for worker in behind),
            SkewClock(SERVER, at(3.2, 3.5), FAR_S, 0.8),
            SkewClock(SERVER, back_at_s, -FAR_S, 1.2),
            BrokerCrash(round(back_at_s + 0.3, 3), 0.2),
            *(KillAt(job, "mid_job") for job in victims),
        ),
        guarantees=("backoff_respected", *ALWAYS),
        must_hit=(("skewed clock", "running"), ("broker crash", "running")),
        sink="keyed",
        lease_s=LEASE_S,
        call_timeout_s=0.3,
        max_deliveries=6,
        retry=RetryPolicy(0.1, 2.0, 2.0, "equal"),
        deadline_s=30.0,
    )


SCENARIO = Scenario(
    "clock-skew",
    "clocks of workers and of the server jump; only who trusts the wrong one suffers",
    build,
    rank=190,
)
