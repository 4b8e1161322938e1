"""Whose word may have done what nobody was entitled to. Finds, and judges nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .excuses import share_a_key
from .facts import Facts, Floats, Ints
from .history import Answer, Event
from .leases import Leases
from .once import once

REFUSABLE = (
    Event.ACK_ANSWERED, Event.NACK_ANSWERED, Event.RELEASE_ANSWERED, Event.EXTEND_ANSWERED,
)  # fmt: skip


@once
def settled_by_another(facts: Facts) -> dict[int, int]:
    """Jobs that count as done though no ack of theirs was accepted: each with the ack to blame.

    That is the row of the ack of another job of the queue that was accepted first after this one
    was handed out, rather of one that came later; -1: there is none. Such acks are to blame only
    where the holder of such a job was refused while his lease surely lasted: else the queue may
    have called the job done by itself.
    """
    settled = _settled_without_an_ack(facts)
    if not settled or not any(_refused_while_held(facts, settled)):
        return {}
    acks = _Acks(facts)
    return {job: acks.to_blame(job) for job in settled}


def _refused_while_held(facts: Facts, jobs: list[int]) -> Iterator[bool]:
    """Of each word about these jobs that was refused: did its holder's lease surely last?"""
    of, t = np.zeros(facts.jobs, dtype=bool), facts.history["t"]
    of[jobs] = True
    leases = Leases(facts, of)
    for event in REFUSABLE:
        for row, holder in leases.rows(event, Answer.FAILED):
            yield t[row] < leases.ends.get(holder, -np.inf)


def _settled_without_an_ack(facts: Facts) -> list[int]:
    """Jobs that count as done at the end, though every ack that was sent for them was refused.

    The same work under another id, once it is done, rightly ends a job without its ack; and a queue
    that claims at-most-once delivery has done with a job when it hands it out.
    """
    if facts.claims.delivery == "at-most-once":
        return []
    done = facts.history["job"][facts.rows(Event.SETTLED)]
    acks = np.zeros(facts.jobs, dtype=np.intp)  # those that may have been accepted
    np.add.at(acks, facts.history["job"][facts.rows(Event.ACK_SENT)], 1)
    np.add.at(acks, facts.history["job"][facts.rows(Event.ACK_ANSWERED, Answer.FAILED)], -1)
    flags = np.zeros(facts.jobs, dtype=bool)
    flags[done] = True
    flags &= acks <= 0
    found: list[int] = np.flatnonzero(flags & ~share_a_key(facts)).tolist()
    return found


class _Acks:
    """The acks that were accepted, by the queue of their job."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._queues = np.array([planned.queue for planned in facts.plan.jobs])
        self._rows = facts.rows(Event.ACK_ANSWERED, Answer.OK)
        self._of_queue: dict[int, tuple[Ints, Ints, Floats]] = {}

    def to_blame(self, job: int) -> int:
        """The ack that ended this job, if it was somebody else's; see above."""
        history, rows = self._facts.history, self._facts.history.of_job(job)
        leases = rows[history["event"][rows] == Event.LEASED]
        acks, whose, came_at = self._accepted(int(self._queues[job]))
        start = int(np.searchsorted(acks, leases[-1] if len(leases) else rows[0], "right"))
        first, width = -1, 64
        while start < len(acks):  # in pieces, since the first is usually near
            piece = slice(start, start + width)
            others = whose[piece] != job
            later = np.flatnonzero(others & (came_at[piece] > self._facts.sent_at[job]))
            if len(later):
                return int(acks[start + later[0]])
            if first < 0 and others.any():
                first = int(acks[start + int(others.argmax())])
            start, width = start + width, 2 * width
        return first

    def _accepted(self, queue: int) -> tuple[Ints, Ints, Floats]:
        """Of a queue: the rows, whose acks they are, and when each of those jobs was sent."""
        if queue not in self._of_queue:
            whose = self._facts.history["job"][self._rows]
            mine = self._queues[whose] == queue
            came_at = self._facts.sent_at[whose[mine]]
            self._of_queue[queue] = self._rows[mine], whose[mine].astype(np.intp), came_at
        return self._of_queue[queue]
