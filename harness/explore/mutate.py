"""Small changes of a plan that was interesting: a fault more, less or elsewhere, a job moved.

Only of plans of the shape ``mixed``, to which anything may be done.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from msgspec.structs import replace

from ..faults.changed import Field, fields_of
from ..faults.fault import Fault
from ..plan.plan import Plan
from .fair import made_fair, sketch_of, with_time
from .faults import drawer_of
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
    """One field changed: what says when it strikes, if it says so, and any field otherwise."""
    fields = [field for field in fields_of(type(fault)) if field.kind.says_when]
    fields = fields or sorted(fields_of(type(fault)), key=_place)
    if not fields:
        return fault
    name, kind = fields[rng.randrange(len(fields))] if len(fields) > 1 else fields[0]
    return replace(fault, **{name: kind.moved(rng, getattr(fault, name), sketch_of(plan))})


def _place(field: Field) -> int:
    """First where a point fault strikes, then how."""
    where = ("job", "point", "nth")
    return where.index(field.name) if field.name in where else len(where)


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
