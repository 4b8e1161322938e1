"""Small changes of a plan that was interesting: a fault more, less or elsewhere, a job moved.

Only of plans of the shape ``mixed``, to which anything may be done.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from msgspec.structs import replace

from ...protocol.worker import POINTS
from ..faults.fault import Fault
from ..faults.kill_at import KillAt
from ..faults.net_fault import NetFault
from ..faults.pause_at import PauseAt
from ..plan.plan import Plan
from .draw import drawer_of
from .fair import made_fair, sketch_of, with_time
from .swarm import Swarm

MOST_FAULTS = 8


def mutated(rng: Random, plan: Plan, here: Swarm) -> Plan:
    """The plan with one to three small changes; new faults are of the swarm's kinds."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        change = rng.choice(_CHANGES)
        plan = change(rng, plan, here)
    return with_time(made_fair(replace(plan, seed=rng.randrange(1 << 31))))


def _more(rng: Random, plan: Plan, here: Swarm) -> Plan:
    if len(plan.faults) >= MOST_FAULTS:
        return _less(rng, plan, here)
    kind = rng.choices(list(here.kinds), list(here.kinds.values()))[0]
    fault = drawer_of(kind)(rng, sketch_of(plan))
    return replace(plan, faults=(*plan.faults, fault))


def _less(rng: Random, plan: Plan, here: Swarm) -> Plan:
    if not plan.faults:
        return plan
    gone = rng.randrange(len(plan.faults))
    return replace(plan, faults=plan.faults[:gone] + plan.faults[gone + 1 :])


def _elsewhere(rng: Random, plan: Plan, here: Swarm) -> Plan:
    """One fault strikes a bit earlier or later, another job, or the next delivery."""
    if not plan.faults:
        return _more(rng, plan, here)
    number = rng.randrange(len(plan.faults))
    faults = list(plan.faults)
    faults[number] = _moved(rng, plan, faults[number])
    return replace(plan, faults=tuple(faults))


def _moved(rng: Random, plan: Plan, fault: Fault) -> Fault:
    if isinstance(fault, KillAt | PauseAt):
        match rng.randrange(4):
            case 0:
                return replace(fault, job=rng.randrange(len(plan.jobs)))
            case 1:
                return replace(fault, point=rng.choice(POINTS))
            case 2:
                return replace(fault, nth=rng.choice((1, 2, 3)))
            case _:
                if isinstance(fault, PauseAt):
                    return replace(fault, for_s=round(fault.for_s * 2 ** rng.uniform(-1, 1), 3))
                return replace(fault, times=rng.choice((1, 2, 4)))
    if isinstance(fault, NetFault):
        return replace(fault, nth=max(1, fault.nth + rng.choice((-2, -1, 1, 2))))
    at_s = getattr(fault, "at_s", 0.0) + rng.choice((-0.3, -0.05, 0.05, 0.3))
    return replace(fault, at_s=round(max(0.0, at_s), 3))


def _sooner_or_later(rng: Random, plan: Plan, here: Swarm) -> Plan:
    """One job comes at another time; whoever submits the same work again keeps its distance."""
    number = rng.randrange(len(plan.jobs))
    jobs = list(plan.jobs)
    by_s = rng.choice((-0.5, -0.1, 0.1, 0.5))
    jobs[number] = replace(jobs[number], at_s=round(max(0.0, jobs[number].at_s + by_s), 3))
    return replace(plan, jobs=tuple(jobs))


def _other_times(rng: Random, plan: Plan, here: Swarm) -> Plan:
    """Another lease, another limit of deliveries: what is near a margin may cross it."""
    if rng.random() < 0.5:
        return replace(plan, lease_s=rng.choice((0.5, 1.0, 2.0)))
    return replace(plan, max_deliveries=rng.choice((1, 2, 3, 4, 6)))


Change = Callable[[Random, Plan, Swarm], Plan]
_CHANGES: tuple[Change, ...] = (
    _more,
    _more,
    _less,
    _elsewhere,
    _elsewhere,
    _sooner_or_later,
    _other_times,
)
