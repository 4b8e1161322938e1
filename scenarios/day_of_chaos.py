"""Everything at once, for as long as it takes.

Faults do not wait for each other: the worker dies while the network is slow, the deploy comes
in the middle of the outage, the server crashes under the flood. What holds against each alone
may break between two of them.

Here queues of three kinds, mail, payments and reports, with pools of their own, meet worker
kills, pauses, lost calls, partitions, a slow network, a crash of the server, an outage, a
deploy and a flood, drawn by the seed, and an operator replays what died.
"""

from __future__ import annotations

from random import Random

from ..harness.faults.broker_crash import BrokerCrash
from ..harness.faults.fault import Fault
from ..harness.faults.fields import Call, NetEffect
from ..harness.faults.flood import Flood
from ..harness.faults.kill_at import KillAt
from ..harness.faults.kill_worker import KillWorker
from ..harness.faults.net_fault import NetFault
from ..harness.faults.outage import Outage
from ..harness.faults.partition import Partition
from ..harness.faults.pause_at import PauseAt
from ..harness.faults.slow_network import SlowNetwork
from ..harness.faults.terminate import Terminate
from ..harness.plan.plan import Plan, PlannedJob, Pool, Queue, ReplayDead
from ..protocol.commands import RetryPolicy
from ..protocol.worker import POINTS
from .scenario import ALWAYS, Scenario

MAIL, PAYMENTS, REPORTS = range(3)
LONG_S = 8.0
LEASE_S = 1.2
MAIL_BOUND_S = 8.0
CALLS: tuple[Call, ...] = ("enqueue", "lease", "ack")
LOSSES: tuple[NetEffect, ...] = ("lose_request", "lose_reply", "reset")


def build(rng: Random, seed: int, variant: str) -> Plan:
    def at(first_s: float, last_s: float) -> float:
        return round(rng.uniform(first_s, last_s), 3)

    mails = [PlannedJob(at(0.0, LONG_S), MAIL, 0.02) for _ in range(12)]
    # Nobody kills the worker of the mails, so the outage surely meets one of these.
    mails += [PlannedJob(at(1.1, 2.0), MAIL, 0.02, "depends") for _ in range(3)]
    payments = [PlannedJob(at(0.0, LONG_S), PAYMENTS, at(0.05, 0.2)) for _ in range(40)]
    payments += [PlannedJob(at(0.0, LONG_S), PAYMENTS, 0.05, "depends") for _ in range(8)]
    payments += [PlannedJob(at(1.1, 2.0), PAYMENTS, 0.05, "malformed") for _ in range(4)]
    # What is malformed may come to a worker after the fix; these fail whenever they come.
    payments += [PlannedJob(at(0.2, LONG_S), PAYMENTS, 0.05, "permanent") for _ in range(3)]
    reports = [PlannedJob(at(0.5, 1.0), REPORTS, at(0.3, 0.8), flood=True) for _ in range(16)]
    jobs = mails + payments + reports
    first = len(mails)
    victims = rng.sample(range(first, first + 40), 14)
    faults: list[Fault] = [Flood(0.5), Outage(1.0, 1.5)]
    faults += [KillAt(victims.pop(), rng.choice(POINTS[:4])) for _ in range(8)]
    faults += [KillAt(victims.pop(), "mid_job") for _ in range(2)]
    faults += [PauseAt(victims.pop(), rng.choice(POINTS[2:4]), 4 * LEASE_S) for _ in range(2)]
    faults += [
        NetFault(rng.choice(CALLS), rng.randrange(5, 50), rng.choice(LOSSES)) for _ in "123456"
    ]
    faults += [
        SlowNetwork(at(2.6, 2.8), 0.4, 0.05),
        Partition((1, 3), at(3.5, 3.7), 1.6),
        BrokerCrash(at(5.6, 6.0), 0.4),
        Terminate((2, 4), at(7.0, 7.3), 1.5),
        KillWorker(rng.randrange(1, 4), at(0.5, 7.5)),
    ]
    return Plan(
        scenario=SCENARIO.name,
        variant=variant,
        seed=seed,
        queues=(Queue("mail", MAIL_BOUND_S), Queue("payments"), Queue("reports")),
        pools=(
            Pool("mail", ("mail",), 1),
            Pool("payments", ("payments",), 3),
            Pool("reports", ("reports",), 2),
        ),
        jobs=tuple(jobs),
        faults=tuple(faults),
        guarantees=("no_starvation", "permanent_failures", *ALWAYS),
        must_hit=(("worker kill", "running"), ("outage", "running"), ("flood", "before lease")),
        sink="keyed",
        lease_s=LEASE_S,
        call_timeout_s=0.3,
        max_deliveries=8,
        retry=RetryPolicy(0.2, 2.0, 2.0, "full"),
        deadline_s=90.0,
        actions=(ReplayDead(4.0, reason="malformed"), ReplayDead(LONG_S + 1.0)),
    )


SCENARIO = Scenario(
    "day-of-chaos",
    "every kind of fault in one run, between and on top of each other",
    build,
    rank=200,
)
