"""When a failure became inevitable: how likely it was from each moment of its run on.

Up to a moment everything is kept as it was: the jobs that had come, the faults that had
struck. What came later is drawn anew, many times, and each of these other futures is run and
judged. Where the curve rises the story turns; from where it stays at 1, nothing that could
still happen would have saved the job.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from ...protocol.worker import POINTS
from ..explore.fair import made_fair, sketch_of, with_time
from ..faults import FAULTS
from ..faults.fault import Fault, TimedFault
from ..faults.kill_at import KillAt
from ..faults.pause_at import PauseAt
from ..plan.plan import Plan
from ..record.facts import Facts
from ..record.history import Event, History

MOMENTS = 12
FUTURES = 20
# Ways to draw a fault that has a time of its own, so that it can be kept out of the past.
TIMED = tuple(
    draw
    for fault in FAULTS.values()
    if issubclass(fault, TimedFault)
    for draw in fault.draws().values()
)


class Moment(Struct, frozen=True):
    """At ``at_s`` of the run, ``failed`` of ``futures`` drawn from there on failed."""

    at_s: float
    failed: int
    futures: int

    @property
    def likelihood(self) -> float:
        return self.failed / self.futures


class Curve(Struct, frozen=True):
    """How likely the failure was from each moment on; ``inevitable_s``: from when it was sure."""

    moments: tuple[Moment, ...]
    inevitable_s: float | None


def curve(
    facts: Facts, fails: Callable[[Plan], bool], seed: int = 0, futures: int = FUTURES
) -> Curve:
    """The curve of a failing run; deterministic for a seed."""
    moments = tuple(
        Moment(
            at_s,
            sum(
                fails(other_future(Random(f"future {seed} {number} {n}"), facts, at_s))
                for n in range(futures)
            ),
            futures,
        )
        for number, at_s in enumerate(_moments(facts))
    )
    inevitable = None
    for moment in reversed(moments):
        if moment.failed < moment.futures:
            break
        inevitable = moment.at_s
    return Curve(moments, inevitable)


def _moments(facts: Facts) -> list[float]:
    """Times at which something happened to a job, evenly thinned out, the last one last."""
    history = facts.history
    happened = history["t"][(history["job"] >= 0) & (history["event"] < int(Event.QUIET))]
    times = sorted({round(float(t), 6) for t in happened} | {0.0})
    step = max(1, -(-len(times) // MOMENTS))
    return sorted({*times[::step], times[-1]})


def other_future(rng: Random, facts: Facts, at_s: float) -> Plan:
    """The plan of that run as it was up to that moment, with another future."""
    plan, history = facts.plan, facts.history
    jobs = tuple(
        job if job.at_s <= at_s else replace(job, at_s=round(at_s + rng.uniform(0.01, 2.0), 3))
        for job in plan.jobs
    )
    past = history["t"] <= at_s + 1e-9
    struck = set(history["fault"][past & (history["event"] == int(Event.FAULT_STRUCK))].tolist())
    faults = tuple(
        fault if number in struck or _began(fault, at_s) else _later(rng, plan, history, at_s)
        for number, fault in enumerate(plan.faults)
    )
    return with_time(made_fair(replace(plan, jobs=jobs, faults=faults)))


def _began(fault: Fault, at_s: float) -> bool:
    """Whether the fault has a time of its own, and that has come."""
    return isinstance(fault, TimedFault) and fault.at_s <= at_s


def _later(rng: Random, plan: Plan, history: History, at_s: float) -> Fault:
    """Another fault that cannot strike before that moment."""
    past = history["t"] <= at_s + 1e-9
    if rng.random() < 0.4:
        job = rng.randrange(len(plan.jobs))
        leased = past & (history["event"] == int(Event.LEASED)) & (history["job"] == job)
        nth = int(leased.sum()) + rng.choice((1, 1, 2))
        if rng.random() < 0.5:
            return KillAt(job, rng.choice(POINTS), 1, nth)
        return PauseAt(job, rng.choice(POINTS), plan.lease_s * rng.uniform(0.5, 2.0), nth)
    fault = rng.choice(TIMED)(rng, sketch_of(plan))
    return replace(fault, at_s=round(at_s + rng.uniform(0.001, 2.0), 3))
