"""The plan as a queue can be asked to carry it out: within the bounds that its claims set.

No payload is larger than the queue takes. For a queue that keeps time in steps everything takes
so much longer that one step more or less decides over nothing: it is the same plan, slower.
"""

from __future__ import annotations

from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from ...backends.claims import Claims
from ..faults.fields import FOR_EVER_S
from .plan import Plan

STEPS = 8  # of the queue's timer, that a lease lasts at least
Part = TypeVar("Part", bound=Struct)


def within(plan: Plan, claims: Claims) -> Plan:
    """The plan within what is claimed; of a plan that is within it, the plan itself."""
    most = claims.max_payload_bytes
    if most is not None and any(job.payload_bytes > most for job in plan.jobs):
        jobs = [replace(job, payload_bytes=min(job.payload_bytes, most)) for job in plan.jobs]
        plan = replace(plan, jobs=tuple(jobs))
    least_s = STEPS * claims.timer_s
    return slower(plan, least_s / plan.lease_s) if plan.lease_s < least_s else plan


def slower(plan: Plan, by: float) -> Plan:
    """The same plan, of which everything takes ``by`` times as long."""
    return replace(
        _slower(plan, by),
        queues=tuple(_slower(queue, by) for queue in plan.queues),
        jobs=tuple(_slower(job, by) for job in plan.jobs),
        faults=tuple(_slower(fault, by) for fault in plan.faults),
        actions=tuple(_slower(action, by) for action in plan.actions),
        retry=_slower(plan.retry, by),
    )


def _slower(part: Part, by: float) -> Part:
    """What its fields of seconds say, times ``by``; for ever is for ever."""
    times = {name: getattr(part, name) for name in part.__struct_fields__ if name.endswith("_s")}
    longer = {
        name: value * by
        for name, value in times.items()
        if value is not None and value < FOR_EVER_S
    }
    return replace(part, **longer)
