"""Shapes of plans in which a job lives long: a delay of a month, 300 deliveries, many deploys.

Each is drawn by itself and seldom, since it costs more than others or leaves room for little else.
"""

from __future__ import annotations

from random import Random

from ...protocol.commands import RetryPolicy
from ..faults.fault import Fault
from ..faults.kill_at import KillAt
from ..faults.terminate import Terminate
from ..plan.plan import Plan, PlannedJob
from .fair import sketch
from .parts import faults_of, lease_of, one_pool, plan_of, priority_of
from .swarm import Space, Swarm

MONTH_S = 30 * 86_400.0
DELAYS_S = (0.005, 0.05, 2.0, 30.0, 3600.0, 90_000.0, MONTH_S)
AGAIN_S = (0.5, 1.0)
DAYS_LATER_S = (0.5, 40_000.0, 120_000.0)  # before and after a queue forgets what is done
LOOKS = 40  # how often a worker that finds nothing asks during the longest delay


def month(rng: Random, here: Swarm, space: Space, seed: int) -> Plan:
    """Delays from milliseconds to a month beside each other, and little else that happens."""
    longest_s = rng.choice((30.0, 3600.0, MONTH_S))
    again_s = DAYS_LATER_S if longest_s == MONTH_S else AGAIN_S
    delays_s = [delay_s for delay_s in DELAYS_S if delay_s <= longest_s]
    jobs = [
        PlannedJob(
            rng.choice((0.0, round(rng.uniform(0.0, 1.0), 2))),
            0,
            0.05,
            *rng.choice((("ok", 0), ("ok", 0), ("fail", 1), ("permanent", 0))),
            priority=priority_of(rng, here),
            delay_s=rng.choice((0.0, *delays_s)),
            again_after_s=rng.choice((None, None, *again_s)),
        )
        for _ in range(rng.randint(2, space.jobs))
    ]
    if longest_s == MONTH_S and rng.random() < 0.5:
        jobs.append(PlannedJob(rng.choice(DAYS_LATER_S), 0, 0.05, same_work_as=0))
    workers = rng.randint(1, 2)
    lease_s = lease_of(rng)
    some = space._replace(faults=2)
    return plan_of(
        rng,
        here,
        seed,
        pools=one_pool(workers),
        jobs=jobs,
        faults=faults_of(rng, here, some, sketch(jobs, workers, lease_s)),
        lease_s=lease_s,
        max_deliveries=6,
        wait_s=round(longest_s / LOOKS, 1),
    )


def stubborn(rng: Random, here: Swarm, space: Space, seed: int) -> Plan:
    """A job fails some hundred times, and is done or given up on only then."""
    most = rng.choice((60, 140, 300))  # beyond 50, 127 and 255
    failures = rng.choice((most - 1, most, most + 1))
    jobs = [PlannedJob(0.0, 0, 0.01, "fail", failures, priority=priority_of(rng, here))]
    jobs += [PlannedJob(0.0, 0, 0.01) for _ in range(rng.randint(0, 2))]
    faults: list[Fault] = []
    if rng.random() < 0.5:
        faults.append(KillAt(0, "after_lease", rng.choice((1, 5)), rng.randint(1, most // 2)))
    return plan_of(
        rng,
        here,
        seed,
        pools=one_pool(rng.randint(1, 2)),
        jobs=jobs,
        faults=faults,
        lease_s=0.5,
        max_deliveries=most,
        retry=RetryPolicy(0.02, 2.0, 0.1, rng.choice(("full", "equal", "decorrelated"))),
    )


def deploys(rng: Random, here: Swarm, space: Space, seed: int) -> Plan:
    """Long jobs are handed back by deploys, between deaths of their workers."""
    lease_s = rng.choice((0.5, 1.0))
    service_s = round(lease_s * rng.uniform(2.0, 4.0), 2)
    jobs = [
        PlannedJob(0.0, 0, service_s, priority=priority_of(rng, here))
        for _ in range(rng.randint(1, 2))
    ]
    workers = rng.randint(1, 3)
    times, nth = rng.choice((1, 20, 20)), rng.choice((1, 1, 2))
    faults: list[Fault] = [KillAt(rng.randrange(len(jobs)), "mid_job", times, nth)]
    at_s = 0.0
    for _ in range(rng.randint(1, 4)):
        at_s = round(at_s + rng.uniform(0.3, 1.5) * service_s, 3)
        faults.append(Terminate(tuple(range(workers)), at_s, rng.choice((1.5, 3.0))))
    return plan_of(
        rng,
        here,
        seed,
        pools=one_pool(workers),
        jobs=jobs,
        faults=faults,
        lease_s=lease_s,
        max_deliveries=rng.choice((2, 2, 3)),
        grace_s=0.1,
    )
