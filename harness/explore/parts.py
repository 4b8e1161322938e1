"""What every shape of plan is made of: leases, retries, priorities, faults, and the plan itself."""

from __future__ import annotations

from random import Random

from ...protocol.commands import RetryPolicy
from ..checks import GUARANTEES
from ..faults.drawing import Sketch
from ..faults.fault import Fault
from ..plan.plan import Plan, PlannedJob, Pool, Queue, ReplayDead, Sink
from .fair import made_fair, with_time
from .faults import drawer_of
from .swarm import Space, Swarm

JUDGED = tuple(name for name in GUARANTEES if name != "faults_hit")
ODD_PRIORITIES = (-1_000_000, -300, -1, 0, 1, 300, 1_000_000)
PATIENT_S = 20.0  # so long may a worker wait for a job: who is not woken up misses it


def lease_of(rng: Random) -> float:
    return rng.choice((0.5, 1.0, 2.0))


def retry_of(rng: Random, here: Swarm) -> RetryPolicy:
    if "steep backoff" in here.features:
        return RetryPolicy(0.1, rng.choice((10.0, 32.0)), 0.5, "equal")
    base_s = rng.choice((0.05, 0.2, 0.5))
    cap_s = rng.choice((0.5, 2.0))
    return RetryPolicy(base_s, 2.0, cap_s, rng.choice(("full", "equal", "equal", "decorrelated")))


def most_deliveries(rng: Random, here: Swarm) -> int:
    most = rng.choice((1, 2, 3, 4, 6))
    return 8 if "steep backoff" in here.features else most


def priority_of(rng: Random, here: Swarm) -> int:
    if "odd priorities" in here.features:
        return rng.choice(ODD_PRIORITIES)
    return rng.choice((0, 0, 5)) if "priorities" in here.features else 0


def faults_of(rng: Random, here: Swarm, space: Space, about: Sketch) -> list[Fault]:
    count = min(space.faults, 1 + int(rng.expovariate(0.6)))
    kinds, weights = list(here.kinds), list(here.kinds.values())
    return [drawer_of(kind)(rng, about) for kind in rng.choices(kinds, weights, k=count)]


def one_pool(workers: int) -> tuple[Pool, ...]:
    """All workers serve the only queue."""
    return (Pool("all", ("q0",), workers),)


def plan_of(
    rng: Random,
    here: Swarm,
    seed: int,
    *,
    queues: tuple[Queue, ...] = (Queue("q0"),),
    pools: tuple[Pool, ...],
    jobs: list[PlannedJob],
    faults: list[Fault],
    sink: Sink = "keyed",
    lease_s: float = 1.0,
    max_deliveries: int | None = None,
    retry: RetryPolicy | None = None,
    actions: tuple[ReplayDead, ...] = (),
    grace_s: float | None = None,
    wait_s: float = 0.0,
) -> Plan:
    """A fair plan of these parts, with time for them; a worker waits for ``wait_s`` at least."""
    plan = Plan(
        scenario="explore",
        variant=here.shape,
        seed=seed,
        queues=queues,
        pools=pools,
        jobs=tuple(jobs),
        faults=tuple(faults),
        guarantees=JUDGED,
        sink=sink,
        lease_s=lease_s,
        grace_s=grace_s or rng.choice((0.1, 1.0, 5.0)),
        max_deliveries=max_deliveries or most_deliveries(rng, here),
        retry=retry or retry_of(rng, here),
        deadline_s=0.0,
        latency_s=rng.choice((0.0005, 0.0005, 0.01)),
        producers=rng.randint(1, 2),
        actions=actions,
        wait_s=max(wait_s, PATIENT_S if "patient workers" in here.features else 0.5),
    )
    return with_time(made_fair(plan))
