"""What may strike a run of an app: a way at a boundary, a death at a point, a server that dies.

Each has a name that stays when jobs are counted anew, so that a finding is known again in another
plan. Draws nothing, runs nothing.
"""

from __future__ import annotations

from msgspec.structs import replace

from ...harness.faults import Fault
from ...harness.faults.fault import PointFault, TripFault
from ...harness.plan.plan import Plan
from ..boundaries import Boundary
from ..ways import WAYS, Way

POINTS = {"after_lease": "before it ran", "after_effect": "after it ran"}


def strike_at(boundary: Boundary, way: Way, job: int, nth: int) -> TripFault:
    """The fault that breaks the boundary that way, for that job or the ``nth`` time that it comes.

    ``nth`` 0: when it brings the job.
    """
    return replace(way.fault(replace(boundary, nth=nth)), job=job)


def name_of(fault: Fault) -> str:
    """What it does and where, whichever job it meets: ``worker: BRPOP q, killed after``."""
    if isinstance(fault, TripFault):
        return f"{fault.side}: {fault.trip}, {_way(fault)}"
    if isinstance(fault, PointFault):
        return f"{fault.label} {POINTS.get(fault.point, fault.point.replace('_', ' '))}"
    return fault.label


def names_of(plan: Plan) -> frozenset[str]:
    """Those of all that strikes the plan."""
    return frozenset(map(name_of, plan.faults))


def told(fault: Fault) -> str:
    """The same with the job or the ordinal, for whoever reads one plan."""
    if isinstance(fault, TripFault):
        which = f"of job {fault.job}" if fault.nth == 0 else f"no. {fault.nth}"
        return f"{fault.side}: {fault.trip} ({which}), {_way(fault)}"
    where = f" of job {fault.job}" if isinstance(fault, PointFault) else ""
    at_s = getattr(fault, "at_s", None)
    return name_of(fault) + where + (f" at {at_s:g} s" if at_s is not None else "")


def _way(fault: TripFault) -> str:
    """The name of the way in which it breaks its round trip."""
    bare = Boundary(fault.side, fault.trip, fault.nth)
    same = (way.name for way in WAYS if replace(way.fault(bare), job=fault.job) == fault)
    return next(same, fault.kind)
