"""Draws plans: topology, workload, and which faults strike where and when.

What is drawn must be fair: the correct queue holds every plan, so effects that may legally
repeat are drawn only where the world knows their key, and waits are bounded only where nothing
may lengthen them. To a plan of the shape ``mixed`` any fault may be added, and it stays fair.
"""

from __future__ import annotations

from random import Random

from msgspec.structs import replace

from ...protocol.commands import RetryPolicy
from ..checks import GUARANTEES
from ..faults.broker_crash import BrokerCrash
from ..faults.drawing import Sketch, moment_s
from ..faults.fault import Fault
from ..faults.kill_at import KillAt
from ..faults.outage import Outage
from ..faults.terminate import Terminate
from ..plan.names import ODD_NAMES
from ..plan.plan import NEVER_BACK, Behaviour, Plan, PlannedJob, Pool, Queue, ReplayDead, Sink
from .fair import made_fair, sketch, with_time
from .faults import FOR_EVER, TAKE_DEPENDENCY_AWAY, drawer_of
from .swarm import Space, Swarm

JUDGED = tuple(name for name in GUARANTEES if name != "faults_hit")
LATER_S = 30.0  # surely after everything that was there before
TIMEOUTS_S = (0.4, 3.0)  # of jobs that hang: shorter and longer than any lease
MONTH_S = 30 * 86_400.0
DELAYS_S = (0.005, 0.05, 2.0, 30.0, 3600.0, 90_000.0, MONTH_S)
LOOKS = 40  # how often a worker that finds nothing asks during the longest delay
PAYLOADS = (1, 3, 255, 256, 65_535, 65_536, 65_537)
ODD_PRIORITIES = (-1_000_000, -300, -1, 0, 1, 300, 1_000_000)
PATIENT_S = 20.0  # so long may a worker wait for a job: who is not woken up misses it


def draw(rng: Random, here: Swarm, space: Space = Space(), seed: int = 0) -> Plan:  # noqa: B008
    """A plan with nothing in it but what the swarm allows; ``seed`` seeds the queue's chance."""
    shape = _SHAPES[here.shape]
    return shape(rng, here, space, seed)


def _lease_s(rng: Random) -> float:
    return rng.choice((0.5, 1.0, 2.0))


def _retry(rng: Random, here: Swarm) -> RetryPolicy:
    if "steep backoff" in here.features:
        return RetryPolicy(0.1, rng.choice((10.0, 32.0)), 0.5, "equal")
    base_s = rng.choice((0.05, 0.2, 0.5))
    cap_s = rng.choice((0.5, 2.0))
    return RetryPolicy(base_s, 2.0, cap_s, rng.choice(("full", "equal", "equal", "decorrelated")))


def _max_deliveries(rng: Random, here: Swarm) -> int:
    most = rng.choice((1, 2, 3, 4, 6))
    return 8 if "steep backoff" in here.features else most


def _service_s(rng: Random, here: Swarm, lease_s: float) -> float:
    if "long jobs" in here.features and rng.random() < 0.4:
        return round(lease_s * rng.uniform(0.8, 1.8), 3)
    return rng.choice((0.02, 0.1, 0.3))


def _mixed(rng: Random, here: Swarm, space: Space, seed: int) -> Plan:
    """Anything may happen, in a world that knows the keys of its effects."""
    return _anything(rng, here, space, seed, "keyed" if rng.random() < 0.8 else "upsert")


def _blind(rng: Random, here: Swarm, space: Space, seed: int) -> Plan:
    """The world counts every request, and no fault strikes that may legally repeat one."""
    plain = here.features - {"permanent", "malformed", "hangs", "replay", "poison"}
    if "same work" in plain:  # who waits for a lost answer may come too late to be the first
        plain -= {"patient workers"}
    return _anything(rng, here._replace(features=plain), space, seed, "blind")


def _anything(rng: Random, here: Swarm, space: Space, seed: int, sink: Sink) -> Plan:
    lease_s = _lease_s(rng)
    queues = rng.choice((1, 1, 2))
    jobs = [
        _job(rng, here, lease_s, rng.randrange(queues)) for _ in range(rng.randint(1, space.jobs))
    ]
    if "same work" in here.features:
        # A blind world needs the first to be done before the second comes.
        again_s = LATER_S if sink == "blind" else rng.choice((0.0, 0.5, LATER_S))
        for index in rng.sample(range(len(jobs)), 1 + len(jobs) // 3):
            first = jobs[index]
            queue = first.queue if sink == "blind" else rng.randrange(queues)
            at_s = first.at_s + again_s
            jobs.append(PlannedJob(at_s, queue, first.service_s, same_work_as=index))
    if "submitted again" in here.features:
        for index in rng.sample(range(len(jobs)), 1 + len(jobs) // 3):
            jobs[index] = replace(jobs[index], again_after_s=rng.choice((0.0, 0.5, LATER_S)))
    if "payloads" in here.features:
        jobs = [replace(job, payload_bytes=rng.choice((0, *PAYLOADS))) for job in jobs]
    names = tuple(f"q{number}" for number in range(queues))
    if "odd names" in here.features:
        names = _alike(rng, queues)
        given = _alike(rng, len(jobs)) if rng.random() < 0.5 else rng.sample(ODD_NAMES, len(jobs))
        jobs = [replace(job, name=name) for job, name in zip(jobs, given, strict=True)]
    fewest = 2 if here.kinds.keys() & FOR_EVER.keys() else 1  # one goes, one must stay
    workers = rng.randint(min(fewest, space.workers), space.workers)
    pools: tuple[Pool, ...] = (Pool("all", names, workers),)
    if queues > 1 and workers > 1 and rng.random() < 0.5:
        pools = (Pool("some", names[:1], 1), Pool("others", names[1:], workers - 1))
    faults = _faults(rng, here, space, sketch(jobs, workers, lease_s))
    if "poison" in here.features and here.shape != "blind":
        faults.append(KillAt(rng.randrange(len(jobs)), rng.choice(("after_lease", "mid_job")), 20))
    return _plan(
        rng,
        here,
        seed,
        queues=tuple(Queue(name) for name in names),
        pools=pools,
        jobs=jobs,
        faults=faults,
        sink=sink,
        lease_s=lease_s,
        actions=_actions(rng, here, jobs),
    )


def _alike(rng: Random, count: int) -> tuple[str, ...]:
    """So many odd names that stand beside each other, since neighbours look most alike."""
    first = rng.randrange(len(ODD_NAMES) - count + 1)
    return ODD_NAMES[first : first + count]


def _job(rng: Random, here: Swarm, lease_s: float, queue: int) -> PlannedJob:
    has = here.features
    at_s = rng.choice((0.0, 0.0, round(rng.uniform(0.0, 1.0), 2)))
    if "late arrivals" in has and rng.random() < 0.3:
        at_s = round(rng.uniform(1.0, 6.0), 2)
    behaviour: Behaviour = "ok"
    failures = 0
    draws = rng.random()
    if "failures" in has and draws < 0.4:
        behaviour, failures = "fail", rng.choice((1, 1, 2, 9))
    elif "permanent" in has and draws < 0.55:
        behaviour = "permanent"
    elif "malformed" in has and draws < 0.65:
        behaviour = "malformed"
    elif "hangs" in has and draws < 0.8:
        behaviour = rng.choice(NEVER_BACK)
    elif here.kinds.keys() & TAKE_DEPENDENCY_AWAY and draws < 0.95:
        behaviour = "depends"
    service_s = _service_s(rng, here, lease_s)
    timeout_s = 30.0
    if behaviour in NEVER_BACK:
        timeout_s = rng.choice(TIMEOUTS_S)
    elif "short timeouts" in has and rng.random() < 0.7:
        timeout_s = round(service_s + 0.3, 3)
    return PlannedJob(
        at_s,
        queue,
        service_s,
        behaviour,
        failures,
        priority=_priority(rng, here),
        timeout_s=timeout_s,
        delay_s=rng.choice((0.0, 0.5, 2.0)) if "delays" in has else 0.0,
    )


def _priority(rng: Random, here: Swarm) -> int:
    if "odd priorities" in here.features:
        return rng.choice(ODD_PRIORITIES)
    return rng.choice((0, 0, 5)) if "priorities" in here.features else 0


def _month(rng: Random, here: Swarm, space: Space, seed: int) -> Plan:
    """Delays from milliseconds to a month beside each other, and little else that happens."""
    longest_s = rng.choice((30.0, 3600.0, MONTH_S))
    delays_s = [delay_s for delay_s in DELAYS_S if delay_s <= longest_s]
    jobs = [
        PlannedJob(
            rng.choice((0.0, round(rng.uniform(0.0, 1.0), 2))),
            0,
            0.05,
            *rng.choice((("ok", 0), ("ok", 0), ("fail", 1))),
            priority=_priority(rng, here),
            delay_s=rng.choice((0.0, *delays_s)),
            again_after_s=rng.choice((None, None, 0.5, 1.0)),
        )
        for _ in range(rng.randint(2, space.jobs))
    ]
    workers = rng.randint(1, 2)
    lease_s = _lease_s(rng)
    some = space._replace(faults=2)
    plan = _plan(
        rng,
        here,
        seed,
        queues=(Queue("q0"),),
        pools=(Pool("all", ("q0",), workers),),
        jobs=jobs,
        faults=_faults(rng, here, some, sketch(jobs, workers, lease_s)),
        lease_s=lease_s,
        max_deliveries=6,
    )
    return with_time(replace(plan, wait_s=max(plan.wait_s, round(longest_s / LOOKS, 1))))


def _stubborn(rng: Random, here: Swarm, space: Space, seed: int) -> Plan:
    """A job fails some hundred times, and is done or given up on only then."""
    most = rng.choice((60, 140, 300))  # beyond 50, 127 and 255
    failures = rng.choice((most - 1, most, most + 1))
    jobs = [PlannedJob(0.0, 0, 0.01, "fail", failures, priority=_priority(rng, here))]
    jobs += [PlannedJob(0.0, 0, 0.01) for _ in range(rng.randint(0, 2))]
    faults: list[Fault] = []
    if rng.random() < 0.5:
        faults.append(KillAt(0, "after_lease", rng.choice((1, 5)), rng.randint(1, most // 2)))
    return _plan(
        rng,
        here,
        seed,
        queues=(Queue("q0"),),
        pools=(Pool("all", ("q0",), rng.randint(1, 2)),),
        jobs=jobs,
        faults=faults,
        lease_s=0.5,
        max_deliveries=most,
        retry=RetryPolicy(0.02, 2.0, 0.1, rng.choice(("full", "equal", "decorrelated"))),
    )


def _deploys(rng: Random, here: Swarm, space: Space, seed: int) -> Plan:
    """Long jobs are handed back by deploys, between deaths of their workers."""
    lease_s = rng.choice((0.5, 1.0))
    service_s = round(lease_s * rng.uniform(2.0, 4.0), 2)
    jobs = [
        PlannedJob(0.0, 0, service_s, priority=_priority(rng, here))
        for _ in range(rng.randint(1, 2))
    ]
    workers = rng.randint(1, 3)
    times, nth = rng.choice((1, 20, 20)), rng.choice((1, 1, 2))
    faults: list[Fault] = [KillAt(rng.randrange(len(jobs)), "mid_job", times, nth)]
    at_s = 0.0
    for _ in range(rng.randint(1, 4)):
        at_s = round(at_s + rng.uniform(0.3, 1.5) * service_s, 3)
        faults.append(Terminate(tuple(range(workers)), at_s, rng.choice((1.5, 3.0))))
    plan = _plan(
        rng,
        here,
        seed,
        queues=(Queue("q0"),),
        pools=(Pool("all", ("q0",), workers),),
        jobs=jobs,
        faults=faults,
        lease_s=lease_s,
        max_deliveries=rng.choice((2, 2, 3)),
    )
    return with_time(replace(plan, grace_s=0.1))


def _crowd(rng: Random, here: Swarm, space: Space, seed: int) -> Plan:
    """Many jobs fail together, on a dependency that is down for a while."""
    base_s = rng.choice((4.0, 8.0))
    jobs = [PlannedJob(0.0, 0, 0.01, "depends") for _ in range(rng.randint(9, 14))]
    return _plan(
        rng,
        here,
        seed,
        queues=(Queue("q0"),),
        pools=(Pool("all", ("q0",), space.workers),),
        jobs=jobs,
        faults=[Outage(0.0, round(rng.uniform(1.0, 4.0), 2))],
        max_deliveries=8,
        retry=RetryPolicy(base_s, 2.0, 30.0, rng.choice(("full", "equal", "decorrelated"))),
    )


def _pools(rng: Random, here: Swarm, space: Space, seed: int) -> Plan:
    """A quick queue with a pool of its own beside one that is flooded, and struck."""
    lease_s = _lease_s(rng)
    slow = [
        PlannedJob(0.0, 1, round(rng.uniform(0.5, 3.0), 2), flood=True)
        for _ in range(rng.randint(2, space.jobs))
    ]
    quick = [PlannedJob(round(rng.uniform(0.0, 2.0), 2), 0, 0.05) for _ in range(rng.randint(1, 3))]
    jobs = slow + quick
    faults: list[Fault] = [
        KillAt(rng.randrange(len(slow)), rng.choice(("mid_job", "after_lease")))
        for _ in range(rng.choice((0, 0, 1, 2)))
    ]
    bound_s = 1.5 + sum(job.service_s for job in quick)
    return _plan(
        rng,
        here,
        seed,
        queues=(Queue("q0", bound_s), Queue("q1")),
        pools=(Pool("quick", ("q0",), 1), Pool("slow", ("q1",), rng.randint(1, space.workers - 1))),
        jobs=jobs,
        faults=faults,
        lease_s=lease_s,
    )


def _urgent(rng: Random, here: Swarm, space: Space, seed: int) -> Plan:
    """Urgent jobs and others share their workers; what is urgent waits for no queue of others."""
    service_s = round(rng.uniform(0.2, 1.0), 2)
    others = [PlannedJob(0.0, 1, service_s) for _ in range(rng.randint(2, space.jobs))]
    urgent = [
        PlannedJob(round(rng.uniform(0.0, 1.0), 2), 0, 0.05, priority=5)
        for _ in range(rng.randint(1, 3))
    ]
    bound_s = 1.0 + service_s + sum(job.service_s for job in urgent)
    if rng.random() < 0.5:
        # Work of no importance waits behind the others, and then somebody needs it at once.
        others = [replace(job, priority=1) for job in others]
        others.append(PlannedJob(0.1, 1, 0.05))
        urgent.append(PlannedJob(0.2, 0, 0.05, priority=5, same_work_as=len(others) - 1))
        bound_s += 0.1
    return _plan(
        rng,
        here,
        seed,
        queues=(Queue("q0", bound_s), Queue("q1")),
        pools=(Pool("all", ("q0", "q1"), rng.randint(1, 2)),),
        jobs=others + urgent,
        faults=[],
        lease_s=_lease_s(rng),
    )


def _again(rng: Random, here: Swarm, space: Space, seed: int) -> Plan:
    """The same work again much later, in a blind world; between the two the server dies."""
    service_s = rng.choice((0.05, 0.3))
    jobs = [PlannedJob(0.0, 0, service_s) for _ in range(rng.randint(1, 2))]
    over_s = len(jobs) * service_s + 0.1
    again = [PlannedJob(LATER_S, 0, service_s, same_work_as=index) for index in range(len(jobs))]
    faults: list[Fault] = []
    if rng.random() < 0.7:
        faults.append(BrokerCrash(round(over_s + rng.uniform(0.0, 0.5), 3), 0.1))
    return _plan(
        rng,
        here._replace(features=frozenset()),
        seed,
        queues=(Queue("q0"),),
        pools=(Pool("all", ("q0",), rng.randint(1, 2)),),
        jobs=jobs + again,
        faults=faults,
        sink="blind",
        lease_s=2.0,
    )


def _shared(rng: Random, here: Swarm, space: Space, seed: int) -> Plan:
    """Two queues share a worker, and one of them is never empty; first come is first served."""
    service_s = round(rng.uniform(0.2, 0.5), 2)
    every_s = service_s * 0.8
    busy = [
        PlannedJob(round(every_s * number, 3), 1, service_s)
        for number in range(space.jobs + rng.randint(0, 4))
    ]
    at_s = round(rng.uniform(0.0, 2.0 * service_s), 3)
    before = 2 + int(at_s / every_s)
    return _plan(
        rng,
        here,
        seed,
        queues=(Queue("q0", round(before * service_s + 0.5, 2)), Queue("q1")),
        pools=(Pool("all", rng.choice((("q0", "q1"), ("q1", "q0"))), 1),),
        jobs=[*busy, PlannedJob(at_s, 0, 0.05)],
        faults=[],
        lease_s=_lease_s(rng),
    )


def _full(rng: Random, here: Swarm, space: Space, seed: int) -> Plan:
    """More arrives than the queue may hold: who is refused is told."""
    limit = rng.randint(1, 3)
    jobs = [PlannedJob(0.0, 0, 0.5) for _ in range(limit + rng.randint(4, 8))]
    return _plan(
        rng,
        here,
        seed,
        queues=(Queue("q0", max_waiting=limit),),
        pools=(Pool("all", ("q0",), 1),),
        jobs=jobs,
        faults=[],
        lease_s=_lease_s(rng),
    )


_SHAPES = {
    "mixed": _mixed,
    "blind": _blind,
    "again": _again,
    "crowd": _crowd,
    "pools": _pools,
    "urgent": _urgent,
    "shared": _shared,
    "full": _full,
    "month": _month,
    "stubborn": _stubborn,
    "deploys": _deploys,
}


def _faults(rng: Random, here: Swarm, space: Space, about: Sketch) -> list[Fault]:
    count = min(space.faults, 1 + int(rng.expovariate(0.6)))
    kinds, weights = list(here.kinds), list(here.kinds.values())
    return [drawer_of(kind)(rng, about) for kind in rng.choices(kinds, weights, k=count)]


def _actions(rng: Random, here: Swarm, jobs: list[PlannedJob]) -> tuple[ReplayDead, ...]:
    if "replay" not in here.features:
        return ()
    about = sketch(jobs, 1, 1.0)
    times = {moment_s(rng, about) + rng.choice((0.5, 5.0, 20.0)) for _ in range(rng.randint(1, 2))}
    at_most = rng.choice((1000, 1000, 1))
    return tuple(ReplayDead(round(at_s, 3), at_most=at_most) for at_s in sorted(times))


def _plan(
    rng: Random,
    here: Swarm,
    seed: int,
    *,
    queues: tuple[Queue, ...],
    pools: tuple[Pool, ...],
    jobs: list[PlannedJob],
    faults: list[Fault],
    sink: Sink = "keyed",
    lease_s: float = 1.0,
    max_deliveries: int | None = None,
    retry: RetryPolicy | None = None,
    actions: tuple[ReplayDead, ...] = (),
) -> Plan:
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
        grace_s=rng.choice((0.1, 1.0, 5.0)),
        max_deliveries=max_deliveries or _max_deliveries(rng, here),
        retry=retry or _retry(rng, here),
        deadline_s=0.0,
        latency_s=rng.choice((0.0005, 0.0005, 0.01)),
        producers=rng.randint(1, 2),
        actions=actions,
        wait_s=PATIENT_S if "patient workers" in here.features else 0.5,
    )
    return with_time(made_fair(plan))
