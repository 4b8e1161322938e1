"""The plan as a queue can be asked to carry it out: within the bounds that its claims set.

No payload is larger than the queue takes. Where no lease can be extended no job works for longer
than half of one, and no fault strikes an extension. For a queue that keeps time in steps everything
takes so much longer that one step more or less decides over nothing: it is the same plan, slower.
So it is where a server that crashes needs long to come back: fewer give up asking it meanwhile.
"""

from __future__ import annotations

from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from ...backends.adapter import RemoteQueue, bounding, leasing
from ...backends.claims import Claims
from ...protocol.repeat import DEFAULT
from ...protocol.worker import WorkerOptions
from ..faults.fault import CallFault, Fault
from ..faults.fields import FOR_EVER_S
from .plan import Plan

STEPS = 8  # of the queue's timer, that a lease lasts at least
SHARE = 0.5  # of a lease, that a job works at most where no lease can be extended
ROUNDING = 1e-9  # a plan that was made slower is slow enough
Part = TypeVar("Part", bound=Struct)


def within(plan: Plan, claims: Claims) -> Plan:
    """The plan within what is claimed; of a plan that is within it, the plan itself."""
    most = claims.max_payload_bytes
    if most is not None and any(job.payload_bytes > most for job in plan.jobs):
        jobs = [replace(job, payload_bytes=min(job.payload_bytes, most)) for job in plan.jobs]
        plan = replace(plan, jobs=tuple(jobs))
    by = STEPS * claims.timer_s / plan.lease_s
    if any(fault.strikes_server for fault in plan.faults):
        by = max(by, claims.restart_s / (DEFAULT.attempts * plan.call_timeout_s))
    if by > 1.0 + ROUNDING:
        plan = slower(plan, by)
    return plan if claims.extends else _unextended(plan)


def _unextended(plan: Plan) -> Plan:
    """Every job is done well within one lease, and no extension is there to be struck."""
    longest_s = SHARE * plan.lease_s
    struck = [fault for fault in plan.faults if _strikes_extensions(fault)]
    kinds = {fault.kind for fault in struck}
    if not struck and all(job.service_s <= longest_s for job in plan.jobs):
        return plan
    return replace(
        plan,
        jobs=tuple(replace(job, service_s=min(job.service_s, longest_s)) for job in plan.jobs),
        faults=tuple(fault for fault in plan.faults if fault not in struck),
        must_hit=tuple(cell for cell in plan.must_hit if cell[0] not in kinds),
    )


def _strikes_extensions(fault: Fault) -> bool:
    return isinstance(fault, CallFault) and fault.call == "extend"


def suited(adapter: RemoteQueue, plan: Plan) -> RemoteQueue:
    """The queue as the plan has it, where that is not said with each job and each lease."""
    return bounding(leasing(adapter, plan.lease_s), plan.max_deliveries)


def options(plan: Plan, claims: Claims) -> WorkerOptions:
    """How the plan's workers ask this queue for work, and keep what they were given."""
    return WorkerOptions(plan.lease_s, plan.wait_s, plan.grace_s, plan.late_words, claims.extends)


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
