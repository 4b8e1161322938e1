"""Draws plans for real workers: few jobs, few workers, one strike to three.

As in the simulator, each plan is drawn from a swarm of its own: which ways, which kinds of strikes
and which boundaries exist in it at all, and how likely each is, so that not everything hides
everything else. What depends on earlier runs is only what was seen there: places to strike
(``forced``) and plans to change (``mutated``). Runs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from ...harness.faults import Fault, TripFault
from ...harness.faults.broker_crash import BrokerCrash
from ...harness.faults.kill_at import KillAt
from ...harness.faults.kill_process_at import KillProcessAt
from ...harness.faults.kill_worker import KillWorker
from ...harness.faults.pause_at import PauseAt
from ...harness.faults.terminate import Terminate
from ...harness.plan.plan import Plan, PlannedJob, Pool, Queue
from ...protocol.worker import Point
from ..boundaries import Boundary
from ..plans import BEGINS_S, DRAINS_S, NEVER_GIVES_UP
from ..ways import WAYS, Way, ways_of
from .strikes import strike_at

T = TypeVar("T")
SCENARIO = "explore"
GUARANTEES = ("no_lost_work", "progress_after_heal", "no_phantoms", "faults_hit")
SERVICE_S = 0.05
LATER_S = 20.0  # a job for whoever stands still by then
FLOOD = (6, 12)  # jobs at one moment
STOPS_WITHIN_S = 10.0
SHORT_S = 30.0  # that a plan waits for what comes back by itself
AWAY_S = (0.5, 3.0)
POINTS: tuple[Point, ...] = ("after_lease", "after_effect")
STRIKES = (1, 2, 2, 3)  # how many: mostly two
OF_SIDE = {"worker": 3.0, "producer": 1.0}  # a producer that dies sends nothing that can be struck
SAME_JOB = 0.6  # so likely a further strike is about the job of the one before
FEATURES = ("flood", "late job", "two producers", "at once")


class Space(NamedTuple):
    """How large a plan may be."""

    jobs: int = 4
    workers: int = 2
    strikes: int = 3


class Ground(NamedTuple):
    """What a plan is drawn for: the task's queue, its boundaries, how long its library needs.

    ``waits_s`` is how long a patient run waits for that.
    """

    queue: str
    boundaries: tuple[Boundary, ...]
    recovery_s: float
    waits_s: float
    space: Space = Space()


class Swarm(NamedTuple):
    """What exists in one plan, and how likely each is."""

    features: frozenset[str]
    ways: dict[Way, float]
    kinds: dict[str, float]
    places: dict[Boundary, float]


def swarm(rng: Random, ground: Ground) -> Swarm:
    """About half of the features and few of everything else, with wild weights."""
    odds = rng.choice((0.1, 0.25, 0.5))
    features = frozenset(name for name in FEATURES if rng.random() < odds)
    others = _some(rng, list(KINDS), 2) if rng.random() < 0.5 else {}
    kinds = {ON_WIRE: 8.0, **others}
    places = _some(rng, ground.boundaries, 4)
    places = {place: odds * OF_SIDE[place.side] for place, odds in places.items()}
    return Swarm(features, _some(rng, WAYS, 4), kinds, places)


def _some(rng: Random, these: Sequence[T], most: int) -> dict[T, float]:
    chosen = rng.sample(list(these), min(len(these), rng.randint(1, most)))
    return {one: 2 ** rng.uniform(0.0, 3.0) for one in chosen}


def drawn(rng: Random, ground: Ground, seed: int) -> Plan:
    """A fresh plan from a fresh swarm; it depends on nothing but its arguments."""
    here = swarm(rng, ground)
    jobs, workers = _jobs(rng, here, ground), rng.randint(1, ground.space.workers)
    count = min(ground.space.strikes, rng.choice(STRIKES))
    faults = list[Fault]()
    for _ in range(count):
        faults.append(_strike(rng, here, len(jobs), workers, faults))
    producers = 2 if "two producers" in here.features and len(jobs) > 1 else 1
    return plan_of(ground, jobs, workers, faults, producers, seed)


def forced(rng: Random, ground: Ground, plan: Plan, seen: Sequence[Boundary]) -> Plan:
    """The plan of an earlier run with one strike more, at a round trip that was seen in it.

    Those that the clean run does not have are tried first: they belong to a recovery.
    """
    usual = {(place.side, place.trip) for place in ground.boundaries}
    rare = [place for place in seen if (place.side, place.trip) not in usual]
    places = rare if rare and rng.random() < 0.7 else list(seen)
    if not places:
        return mutated(rng, ground, plan)
    place = rng.choice(places)
    way = rng.choice(ways_of(place))
    added = strike_at(place, way, rng.randrange(len(plan.jobs)), place.nth)
    kept = list(plan.faults)
    while len(kept) >= ground.space.strikes:
        kept.pop(rng.randrange(len(kept)))
    return _with(plan, faults=(*kept, added))


def mutated(rng: Random, ground: Ground, plan: Plan) -> Plan:
    """The plan with a small change: a strike more, less or another one, a job moved."""
    return rng.choice(_CHANGES)(rng, ground, plan)


def plan_of(
    ground: Ground,
    jobs: Sequence[PlannedJob],
    workers: int,
    faults: Sequence[Fault],
    producers: int = 1,
    seed: int = 0,
) -> Plan:
    """A plan of these parts. Its run does not wait for long: most need no more, and one that ends
    with work that is held can be run again as :func:`patient` as it takes.
    """
    plan = Plan(
        scenario=SCENARIO,
        variant="app",
        seed=seed,
        queues=(Queue(ground.queue),),
        pools=(Pool("all", (ground.queue,), workers),),
        jobs=tuple(jobs),
        faults=(),
        guarantees=GUARANTEES,
        sink="keyed",
        lease_s=max(1.0, ground.recovery_s),
        max_deliveries=NEVER_GIVES_UP,
        producers=producers,
        recovery_s=min(ground.waits_s, SHORT_S),
    )
    return _with(plan, faults=tuple(faults))


def patient(ground: Ground, plan: Plan) -> Plan:
    """The same plan, whose run waits for all that the library brings back by itself."""
    return timed(replace(plan, recovery_s=ground.waits_s))


def distinct(faults: Sequence[Fault]) -> list[Fault]:
    """Without those that are meant for a round trip of another one, and so could never strike."""

    def meant(fault: Fault) -> object:
        if not isinstance(fault, TripFault):
            return fault
        return fault.side, fault.trip, fault.nth, fault.job if fault.nth == 0 else -1

    return list({meant(fault): fault for fault in reversed(faults)}.values())[::-1]


def timed(plan: Plan) -> Plan:
    """The plan with as much time as its jobs and its strikes need, and what they must hit."""
    last_s = max(job.at_s for job in plan.jobs)
    lasts_s = sum(fault.lasts_s for fault in plan.faults)
    over_s = max([fault.over_at_s for fault in plan.faults], default=0.0)
    return replace(
        plan,
        deadline_s=max(last_s, over_s) + lasts_s + plan.recovery_s + DRAINS_S,
        must_hit=tuple(
            dict.fromkeys(
                (fault.kind, "on the wire") for fault in plan.faults if isinstance(fault, TripFault)
            )
        ),
    )


def _with(plan: Plan, faults: tuple[Fault, ...], jobs: tuple[PlannedJob, ...] = ()) -> Plan:
    changed = replace(plan, faults=tuple(distinct(faults)), jobs=jobs or plan.jobs)
    return timed(changed)


def _jobs(rng: Random, here: Swarm, ground: Ground) -> list[PlannedJob]:
    times = [BEGINS_S] * rng.randint(1, ground.space.jobs)
    if "at once" not in here.features:
        times = [round(at_s + rng.choice((0.0, rng.uniform(0.0, 2.0))), 2) for at_s in times]
    if "flood" in here.features:
        times += [round(BEGINS_S + rng.uniform(0.0, 0.5), 2)] * rng.randint(*FLOOD)
    if "late job" in here.features:
        times.append(LATER_S)
    return [PlannedJob(at_s, 0, SERVICE_S) for at_s in sorted(times)]


def _strike(
    rng: Random, here: Swarm, jobs: int, workers: int, before: Sequence[Fault] = ()
) -> Fault:
    kind = rng.choices(list(here.kinds), list(here.kinds.values()))[0]
    if kind != ON_WIRE:
        return KINDS[kind](rng, jobs, workers)
    place = rng.choices(list(here.places), list(here.places.values()))[0]
    fitting = {way: odds for way, odds in here.ways.items() if way.fits(place)}
    fitting = fitting or dict.fromkeys(ways_of(place), 1.0)
    way = rng.choices(list(fitting), list(fitting.values()))[0]
    job = rng.randrange(jobs)
    if before and rng.random() < SAME_JOB:
        job = min(getattr(before[-1], "job", job), jobs - 1)
    return strike_at(place, way, job, _nth(rng, place, way, job))


def _nth(rng: Random, place: Boundary, way: Way, job: int) -> int:
    """Mostly each job makes it once; some are made once only, and what asks for a job, always."""
    if place.nth == 0 and strike_at(place, way, job, 0).at_answer:
        return 0
    return max(1, place.nth) + rng.choice((0, job, job, job + 1))


Drawer = Callable[[Random, int, int], Fault]
ON_WIRE = "on the wire"
KINDS: dict[str, Drawer] = {
    "process kill": lambda rng, jobs, _: KillProcessAt(rng.randrange(jobs), rng.choice(POINTS)),
    "kill at a point": lambda rng, jobs, _: KillAt(rng.randrange(jobs), rng.choice(POINTS)),
    "pause": lambda rng, jobs, _: PauseAt(
        rng.randrange(jobs), rng.choice(POINTS), round(rng.uniform(1.0, 90.0), 1)
    ),
    "worker kill": lambda rng, _, workers: KillWorker(rng.randrange(workers), _moment_s(rng)),
    "told to stop": lambda rng, _, workers: Terminate(
        (rng.randrange(workers),), _moment_s(rng), STOPS_WITHIN_S
    ),
    "broker crash": lambda rng, *_: BrokerCrash(_moment_s(rng), round(rng.uniform(*AWAY_S), 2)),
}


def _moment_s(rng: Random) -> float:
    """Most jobs come within two seconds of the first."""
    return round(BEGINS_S + rng.uniform(0.0, 2.5), 3)


def _more(rng: Random, ground: Ground, plan: Plan) -> Plan:
    here = swarm(rng, ground)
    added = _strike(rng, here, len(plan.jobs), len(plan.workers))
    kept = plan.faults[-(ground.space.strikes - 1) :] if ground.space.strikes > 1 else ()
    return _with(plan, faults=(*kept, added))


def _less(rng: Random, ground: Ground, plan: Plan) -> Plan:
    if len(plan.faults) < 2:
        return _more(rng, ground, plan)
    gone = rng.randrange(len(plan.faults))
    return _with(plan, faults=plan.faults[:gone] + plan.faults[gone + 1 :])


def _other(rng: Random, ground: Ground, plan: Plan) -> Plan:
    """Another strike in the place of one."""
    number, here = rng.randrange(max(1, len(plan.faults))), swarm(rng, ground)
    added = _strike(rng, here, len(plan.jobs), len(plan.workers))
    return _with(plan, faults=(*plan.faults[:number], added, *plan.faults[number + 1 :]))


def _moved(rng: Random, ground: Ground, plan: Plan) -> Plan:
    """One job comes sooner or later."""
    number, by_s = rng.randrange(len(plan.jobs)), rng.choice((-0.5, -0.1, 0.1, 0.5, 5.0))
    jobs = list(plan.jobs)
    jobs[number] = replace(jobs[number], at_s=round(max(0.0, jobs[number].at_s + by_s), 2))
    return _with(plan, faults=plan.faults, jobs=tuple(jobs))


_CHANGES = (_more, _less, _other, _other, _moved)
