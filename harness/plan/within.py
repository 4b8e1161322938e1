"""The plan as a queue can be asked to carry it out: nothing larger than it claims to take."""

from __future__ import annotations

from msgspec.structs import replace

from ...backends.claims import Claims
from .plan import Plan


def within(plan: Plan, claims: Claims) -> Plan:
    """The plan with payloads that the queue takes: what is too large is as large as may be."""
    most = claims.max_payload_bytes
    if most is None or all(job.payload_bytes <= most for job in plan.jobs):
        return plan
    jobs = [replace(job, payload_bytes=min(job.payload_bytes, most)) for job in plan.jobs]
    return replace(plan, jobs=tuple(jobs))
