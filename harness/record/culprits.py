"""Whose word may have done what nobody was entitled to. Finds, and judges nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .excuses import share_a_key
from .facts import Facts
from .history import Answer, Event
from .leases import Leases

REFUSABLE = (
    Event.ACK_ANSWERED, Event.NACK_ANSWERED, Event.RELEASE_ANSWERED, Event.EXTEND_ANSWERED,
)  # fmt: skip


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
    return {job: _somebody_elses_ack(facts, job) for job in settled}


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


def _somebody_elses_ack(facts: Facts, job: int) -> int:
    history, rows = facts.history, facts.history.of_job(job)
    leases = rows[history["event"][rows] == Event.LEASED]
    acks = facts.rows(Event.ACK_ANSWERED, Answer.OK)
    acks = acks[acks > (leases[-1] if len(leases) else rows[0])]
    whose = history["job"][acks]
    queues = np.array([planned.queue for planned in facts.plan.jobs])
    acks = acks[(queues[whose] == queues[job]) & (whose != job)]
    later = acks[facts.sent_at[history["job"][acks]] > facts.sent_at[job]]
    first = later if len(later) else acks
    return int(first[0]) if len(first) else -1
