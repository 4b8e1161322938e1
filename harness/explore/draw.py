"""Draws plans: topology, workload, and which faults strike where and when.

What is drawn must be fair: the correct queue holds every plan, so effects that may legally
repeat are drawn only where the world knows their key, and waits are bounded only where nothing
may lengthen them. To a plan of the shape ``mixed`` any fault may be added, and it stays fair.
"""

from __future__ import annotations

from random import Random

from msgspec.structs import replace

from ...protocol.commands import RetryPolicy
from ..faults.broker_crash import BrokerCrash
from ..faults.drawing import moment_s
from ..faults.fault import Fault
from ..faults.kill_at import KillAt
from ..faults.outage import Outage
from ..plan.names import ODD_NAMES
from ..plan.plan import (
    NEVER_BACK,
    Behaviour,
    Plan,
    PlannedJob,
    Pool,
    Queue,
    ReplayDead,
    Senseless,
    Sink,
)
from ..plan.senseless import NAMES
from .fair import sketch, with_time
from .faults import FOR_EVER, TAKE_DEPENDENCY_AWAY
from .long_lives import deploys, month, stubborn
from .parts import faults_of, lease_of, one_pool, plan_of, priority_of
from .swarm import Space, Swarm

LATER_S = 30.0  # surely after everything that was there before
TIMEOUTS_S = (0.4, 3.0)  # of jobs that hang: shorter and longer than any lease
NONSENSE, LATE_WORDS = 0.3, 0.2  # of all plans
UNHURRIED = ("mixed", "blind", "month", "stubborn", "deploys")  # shapes in which no wait is bounded
PAYLOADS = (1, 3, 255, 256, 65_535, 65_536, 65_537)


def draw(rng: Random, here: Swarm, space: Space = Space(), seed: int = 0) -> Plan:  # noqa: B008
    """A plan with nothing in it but what the swarm allows; ``seed`` seeds the queue's chance."""
    shape = _SHAPES[here.shape]
    return _with_nonsense(_with_late_words(shape(rng, here, space, seed), seed), seed)


def _with_late_words(plan: Plan, seed: int) -> Plan:
    """Now and then workers say more of what is done: it costs time, and changes nothing."""
    late = Random(f"late words {seed}").random() < LATE_WORDS and plan.variant in UNHURRIED
    return with_time(replace(plan, late_words=True)) if late else plan


def _with_nonsense(plan: Plan, seed: int) -> Plan:
    """Now and then somebody sends commands that make no sense: any plan stays fair.

    By a chance of its own, so that nothing else of the plan hangs on it.
    """
    rng = Random(f"nonsense {seed}")
    if rng.random() > NONSENSE:
        return plan
    said = [
        Senseless(round(rng.uniform(0.0, 2.0), 3), rng.choice(NAMES), rng.randrange(len(plan.jobs)))
        for _ in range(rng.randint(1, 4))
    ]
    return with_time(replace(plan, actions=(*plan.actions, *said)))


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
    lease_s = lease_of(rng)
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
        shared = {job.same_work_as for job in jobs}
        for index in rng.sample(range(len(jobs)), 1 + len(jobs) // 3):
            again_after_s = rng.choice((0.0, 0.5, LATER_S))
            if sink == "blind" and (index in shared or jobs[index].same_work_as >= 0):
                continue  # were its first enqueue lost, it would come beside the other
            jobs[index] = replace(jobs[index], again_after_s=again_after_s)
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
    faults = faults_of(rng, here, space, sketch(jobs, workers, lease_s))
    if "poison" in here.features and here.shape != "blind":
        faults.append(KillAt(rng.randrange(len(jobs)), rng.choice(("after_lease", "mid_job")), 20))
    return plan_of(
        rng,
        here,
        seed,
        queues=tuple(Queue(name) for name in names),
        pools=pools,
        jobs=jobs,
        faults=faults,
        sink=sink,
        lease_s=lease_s,
        actions=_actions(rng, here, jobs, names),
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
        priority=priority_of(rng, here),
        timeout_s=timeout_s,
        delay_s=rng.choice((0.0, 0.5, 2.0)) if "delays" in has else 0.0,
    )


def _crowd(rng: Random, here: Swarm, space: Space, seed: int) -> Plan:
    """Many jobs fail together, on a dependency that is down for a while."""
    base_s = rng.choice((4.0, 8.0))
    jobs = [PlannedJob(0.0, 0, 0.01, "depends") for _ in range(rng.randint(9, 14))]
    return plan_of(
        rng,
        here,
        seed,
        pools=one_pool(space.workers),
        jobs=jobs,
        faults=[Outage(0.0, round(rng.uniform(1.0, 4.0), 2))],
        max_deliveries=8,
        retry=RetryPolicy(base_s, 2.0, 30.0, rng.choice(("full", "equal", "decorrelated"))),
    )


def _pools(rng: Random, here: Swarm, space: Space, seed: int) -> Plan:
    """A quick queue with a pool of its own beside one that is flooded, and struck."""
    lease_s = lease_of(rng)
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
    return plan_of(
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
    return plan_of(
        rng,
        here,
        seed,
        queues=(Queue("q0", bound_s), Queue("q1")),
        pools=(Pool("all", ("q0", "q1"), rng.randint(1, 2)),),
        jobs=others + urgent,
        faults=[],
        lease_s=lease_of(rng),
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
    return plan_of(
        rng,
        here._replace(features=frozenset()),
        seed,
        pools=one_pool(rng.randint(1, 2)),
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
    return plan_of(
        rng,
        here,
        seed,
        queues=(Queue("q0", round(before * service_s + 0.5, 2)), Queue("q1")),
        pools=(Pool("all", rng.choice((("q0", "q1"), ("q1", "q0"))), 1),),
        jobs=[*busy, PlannedJob(at_s, 0, 0.05)],
        faults=[],
        lease_s=lease_of(rng),
    )


def _full(rng: Random, here: Swarm, space: Space, seed: int) -> Plan:
    """More arrives than the queue may hold: who is refused is told."""
    limit = rng.randint(1, 3)
    jobs = [PlannedJob(0.0, 0, 0.5) for _ in range(limit + rng.randint(4, 8))]
    return plan_of(
        rng,
        here,
        seed,
        queues=(Queue("q0", max_waiting=limit),),
        pools=one_pool(1),
        jobs=jobs,
        faults=[],
        lease_s=lease_of(rng),
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
    "month": month,
    "stubborn": stubborn,
    "deploys": deploys,
}


def _actions(
    rng: Random, here: Swarm, jobs: list[PlannedJob], queues: tuple[str, ...]
) -> tuple[ReplayDead, ...]:
    if "replay" not in here.features:
        return ()
    about = sketch(jobs, 1, 1.0)
    times = {moment_s(rng, about) + rng.choice((0.5, 5.0, 20.0)) for _ in range(rng.randint(1, 2))}
    at_most = rng.choice((1000, 1000, 1))
    queue = rng.choice((None, None, queues[0]))
    return tuple(ReplayDead(round(at_s, 3), queue, at_most=at_most) for at_s in sorted(times))
