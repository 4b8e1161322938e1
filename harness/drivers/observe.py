"""What the harness asks of the backend itself: is it quiet, and what does it still hold?

Only asked at the end of a run, over a connection that no fault touches. The answers
tell ``stuck`` and ``dead-lettered`` apart from ``lost``; they never speak for what ran.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...backends.commands import Command, Inspect, Inspected, Measured, Reply
from ..events import Event
from ..plan import Plan, job_id


def pending(measured: Measured) -> int:
    """How many jobs are ready or leased."""
    return sum(depth.count for depth in measured.depths if depth.state in ("ready", "leased"))


def observations(
    plan: Plan, call: Callable[[Command], Reply | None]
) -> Iterator[tuple[Event, int, float]]:
    """For each planned job that the backend knows: (event, job, value)."""
    for index in range(len(plan.jobs)):
        reply = call(Inspect(job_id(index)))
        if not isinstance(reply, Inspected) or reply.state is None:
            continue
        if reply.state == "dead":
            yield Event.DEAD, index, float(reply.deliveries)
        elif reply.state == "done":
            yield Event.SETTLED, index, 0.0
        else:
            yield Event.HELD, index, float(reply.state == "leased")
