"""Backlog bounded: a queue with a limit refuses what it has no room for, clearly and at once.

Judged from what must have been so: jobs that were surely accepted and surely not yet handed
out. Each producer may find room for one job more at the same moment. Refusing is no loss: who
was refused knows it, and nothing accepted may be dropped to make room (``no_lost_work``).
"""

from __future__ import annotations

import numpy as np

from ...backends.claims import Claim
from ..finding import Finding, Judged, judged
from ..record.facts import Facts, Floats, Ints
from ..record.history import Answer, Event
from ..sight import HAND_OVER, Needs
from ..units import seconds

TITLE = "a full queue says so"
RANK = 130
NEEDS: Needs = (Event.ENQUEUE_ANSWERED, HAND_OVER)
NEEDS_TIME = True
CLAIMS: tuple[Claim, ...] = ("bounded_backlog",)


def judge(facts: Facts) -> Judged:
    plan, findings, notes, filled = facts.plan, [], [], False
    owner = np.array([job.queue for job in plan.jobs], dtype=np.intp)
    for number, queue in enumerate(plan.queues):
        if queue.max_waiting is None:
            continue
        mine = (owner == number) & facts.accepted
        limit = queue.max_waiting + plan.producers
        # A job may be handed out before its producer knows that it was accepted.
        left = np.where(np.isnan(facts.leased_at), np.inf, facts.leased_at)[mine]
        came = facts.accepted_at[mine]
        surely = came < left
        most, at = _peak(came[surely], left[surely])
        refused = int(np.count_nonzero(facts.refused & (owner == number)))
        filled |= refused > 0 or most >= queue.max_waiting
        notes.append(
            f"{queue.name}: at most {most} waited, {queue.max_waiting} may; {refused} refused"
        )
        if most > limit:
            findings.append(
                Finding(
                    -1,
                    f"{most} jobs waited in {queue.name!r} at {seconds(at)}, "
                    f"{queue.max_waiting} may wait: nobody was told to slow down",
                    _accepted(facts, np.flatnonzero(mine)[surely & (came <= at) & (at < left)]),
                    float(most),
                )
            )
    if not notes:
        return Judged("inconclusive", note="no queue has a limit")
    if not filled:
        return Judged("inconclusive", note=f"no queue was ever full; {'; '.join(notes)}")
    return judged(findings, "; ".join(notes))


def _accepted(facts: Facts, jobs: Ints) -> tuple[int, ...]:
    """The rows that tell that these jobs were accepted."""
    answers = facts.rows(Event.ENQUEUE_ANSWERED, Answer.OK)
    return tuple(answers[np.isin(facts.history["job"][answers], jobs)].tolist())


def _peak(came: Floats, left: Floats) -> tuple[int, float]:
    """The most jobs that were there at once, and when; whoever leaves goes first."""
    if not len(came):
        return 0, 0.0
    times = np.concatenate([left, came])
    steps = np.concatenate([np.full(len(left), -1), np.full(len(came), 1)])
    order = np.lexsort((steps, times))
    inside = np.cumsum(steps[order])
    most = int(np.argmax(inside))
    return int(inside[most]), float(times[order][most])
