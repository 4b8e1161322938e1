"""What the harness asks of the backend itself: is it quiet, and what does it still hold?

Only asked at the end of a run, over a connection that no fault touches. The answers
tell ``stuck`` and ``dead-lettered`` apart from ``lost``; they never speak for what ran.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ...protocol.commands import Command, Inspect, Inspected, Reply
from ...protocol.events import Answer, Event
from ..plan.plan import Plan
from ..record.node_record import expected_reason


class Observation(NamedTuple):
    """What the backend says of one job.

    ``answer`` is about a dead letter's reason: OK if it is what the job itself reported,
    UNKNOWN if it is another one, FAILED if there is none.
    """

    event: Event
    job: int
    value: float = 0.0
    answer: Answer = Answer.NONE


def observations(plan: Plan, call: Callable[[Command], Reply | None]) -> Iterator[Observation]:
    """One for each planned job that the backend knows."""
    for index in range(len(plan.jobs)):
        reply = call(Inspect(plan.job_id(index)))
        if not isinstance(reply, Inspected) or reply.state is None:
            continue
        if reply.state == "dead":
            told = expected_reason(plan.jobs[index]) in reply.reason
            answer = (Answer.OK if told else Answer.UNKNOWN) if reply.reason else Answer.FAILED
            yield Observation(Event.DEAD, index, float(reply.deliveries), answer)
        elif reply.state == "done":
            yield Observation(Event.SETTLED, index)
        else:
            yield Observation(Event.HELD, index, float(reply.state == "leased"))
