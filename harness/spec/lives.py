"""The life of each job: its deliveries in order, who had each of them, and how it ended.

One pass over the history, for whoever asks what became of a job. A delivery is known by the row
in which its worker was handed it; one whose grant went astray left none (:mod:`.astray`).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from ..faults import CallFault
from ..record.facts import Facts, Ints
from ..record.history import Answer, Event
from ..record.once import once

Ending = Literal[
    "open", "acked", "failed", "permanent", "released", "refused", "unknown", "lost", "crashed"
]
"""How a delivery ended, as far as its worker knew.

acked, failed, permanent, released: the queue took the worker's word for it. refused: it did not.
unknown: the word was sent, and what came of it is not certain. lost: the worker was told that it
has the lease no longer. crashed: the worker ended with the job in hand. open: none of these.
"""

NEVER = float("inf")
REMEMBERED_S = 3600.0
_OF_JOBS = (
    Event.LEASED,
    Event.ACK_SENT,
    Event.HANDBACK_SENT,
    Event.ACK_ANSWERED,
    Event.NACK_ANSWERED,
    Event.RELEASE_ANSWERED,
    Event.EXTEND_ANSWERED,
    Event.LEASE_LOST,
    Event.FINISHED,
    Event.REPLAY_SENT,
    Event.REPLAY_ANSWERED,
)
_TAKEN: dict[int, Ending] = {Event.ACK_ANSWERED: "acked", Event.RELEASE_ANSWERED: "released"}


@dataclass(slots=True)
class Delivery:
    """One hand-over, at some moment from ``since`` to ``at``, when its worker knew.

    ``said_at`` is when its worker first sent how it ended, never: infinite. ``over_at``: the last
    moment that is known of it at its worker. ``until``: how far its lease reaches, by what its
    worker was told, and by the job's timeout where the queue claims to heed that. ``end``: the row
    that says how it ended, -1: none.
    """

    row: int
    job: int
    token: int
    number: int
    node: int
    incarnation: int
    since: float
    at: float
    until: float
    ending: Ending = "open"
    release: bool = False
    said_at: float = NEVER
    over_at: float = NEVER
    end: int = -1

    @property
    def counts(self) -> bool | None:
        """Whether it counts against the job's deliveries; None: nobody knows.

        What was handed back does not. Where the answer to that was lost, the queue may have
        taken it back, or may have seen the lease end.
        """
        if self.ending == "released":
            return False
        return None if self.release and self.ending == "unknown" else True


@dataclass(slots=True)
class Replayed:
    """An operator's wish to run a dead letter again: ``answer`` says what came of it."""

    row: int
    sent_at: float
    answer: Answer = Answer.NONE
    answered_at: float = NEVER
    end: int = -1


@dataclass(slots=True)
class Life:
    """What happened to one job after it was accepted, in order."""

    deliveries: list[Delivery] = field(default_factory=list)
    replays: list[Replayed] = field(default_factory=list)


class Count(NamedTuple):
    """How many deliveries counted: surely at least, and of those that are known at most."""

    least: int
    most: int


@once
def lives(facts: Facts) -> dict[int, Life]:
    """The life of each job that was handed out or replayed, by the job's number."""
    found: dict[int, Life] = defaultdict(Life)
    for delivery in _deliveries(facts, found):
        found[delivery.job].deliveries.append(delivery)
    for life in found.values():
        if len(life.deliveries) > 1:
            life.deliveries = in_order(life.deliveries)
    return dict(found)


def _deliveries(facts: Facts, found: dict[int, Life]) -> list[Delivery]:
    """All deliveries in the order of their rows; replays are put where they belong."""
    history = facts.history
    rows = history.where_any(Event.WORKER_EXITED, *_OF_JOBS)
    rows = rows[facts.of_plan[rows] | (history["event"][rows] == Event.WORKER_EXITED)]
    names = ("t", "since", "event", "answer", "node", "incarnation", "job", "token", "key", "value")
    columns = [history[name][rows].tolist() for name in names]
    delivered: list[Delivery] = []
    current: dict[tuple[int, int, int, int], Delivery] = {}
    in_hand: dict[tuple[int, int], dict[int, Delivery]] = defaultdict(dict)  # by their rows
    for row, t, since, what, answer, node, incarnation, index, token, key, value in zip(
        rows.tolist(), *columns, strict=True
    ):
        worker = node, incarnation
        if what == Event.LEASED:
            new = Delivery(row, index, token, key, node, incarnation, since, t, t + value)
            delivered.append(new)
            current[index, token, node, incarnation] = new
            in_hand[worker][row] = new
        elif what == Event.WORKER_EXITED:
            for held in in_hand.pop(worker, {}).values():
                if held.ending == "open":
                    held.ending, held.end = "crashed", row
                held.over_at = t
        elif what == Event.REPLAY_SENT:
            found[index].replays.append(Replayed(row, t))
        elif what == Event.REPLAY_ANSWERED:
            if found[index].replays:
                last = found[index].replays[-1]
                last.answer, last.answered_at, last.end = Answer(answer), t, row
        elif about := current.get((index, token, node, incarnation)):
            if what == Event.EXTEND_ANSWERED:
                if answer == Answer.OK:
                    about.until = max(about.until, min(t + value, latest(facts, about)))
                continue
            _told(about, what, answer, t, since, value, row)
            if what in (Event.FINISHED, Event.LEASE_LOST):
                in_hand[worker].pop(about.row, None)
    return delivered


def _told(
    about: Delivery, what: int, answer: int, t: float, since: float, value: float, row: int
) -> None:
    """A row of the delivery's worker about it."""
    if what in (Event.ACK_SENT, Event.HANDBACK_SENT):
        about.ending, about.said_at, about.end = "unknown", t, row
        about.release = what == Event.HANDBACK_SENT and value > 0
    elif what in (Event.FINISHED, Event.LEASE_LOST):
        about.over_at = min(about.over_at, t)
        if about.ending == "open":
            about.ending, about.end = "lost", row
    else:
        about.over_at, about.end, about.said_at = t, row, min(about.said_at, since)
        if answer == Answer.OK:
            failed: Ending = "permanent" if value > 0 else "failed"
            about.ending = _TAKEN.get(what, failed)
        elif answer == Answer.FAILED:
            about.ending = "refused"


@once
def submitted_again(facts: Facts) -> dict[int, list[float]]:
    """When each job was submitted, of those that were more than once.

    What was done by then may have been forgotten, and be another job.
    """
    rows = facts.rows(Event.ENQUEUE_SENT)
    jobs, times = facts.history["job"][rows], facts.history["t"][rows]
    more = np.bincount(jobs, minlength=facts.jobs)[jobs] > 1
    found: dict[int, list[float]] = defaultdict(list)
    for job, at in zip(jobs[more].tolist(), times[more].tolist(), strict=True):
        found[job].append(at)
    return dict(found)


@once
def struck_calls(facts: Facts) -> frozenset[tuple[str, int]]:
    """The calls of which a fault lost, delayed or doubled a message, each with its job."""
    history, faults = facts.history, facts.plan.faults
    return frozenset(
        (fault.call, int(history["job"][row]))
        for row in facts.rows(Event.FAULT_STRUCK)
        if isinstance(fault := faults[history["fault"][row]], CallFault)
    )


@once
def struck_enqueues(facts: Facts) -> frozenset[int]:
    """Jobs of whose enqueue a message was struck: whether it is new nobody knows."""
    return frozenset(job for call, job in struck_calls(facts) if call == "enqueue")


def came_between(facts: Facts, job: int, since: float, until: float) -> bool:
    """Whether the job was submitted anew in between: what was done may have been forgotten."""
    return any(since < at < until for at in submitted_again(facts).get(job, []))


@once
def births(facts: Facts) -> dict[int, list[float]]:
    """When each job came while the queue may have forgotten that its work was done: as a new one.

    A queue that does not say for how long it remembers what is done is held to an hour.
    """
    said = facts.claims.retention_s
    kept_s = REMEMBERED_S if said is None else said
    acks, done_at = facts.rows(Event.ACK_SENT), np.full(facts.jobs, NEVER)
    np.minimum.at(done_at, facts.work[facts.history["job"][acks]], facts.history["t"][acks])
    return {
        job: [at for at in times if at >= done_at[facts.work[job]] + kept_s]
        for job, times in submitted_again(facts).items()
    }


@once
def born_again(facts: Facts) -> Ints:
    """How often each job came as a new one, as far as may be."""
    found = np.zeros(facts.jobs, dtype=np.intp)
    for job, times in births(facts).items():
        found[job] = len(times)
    return found


def born_between(facts: Facts, job: int, since: float, until: float) -> bool:
    """Whether the job may have begun a new life in between."""
    return any(since < at < until for at in births(facts).get(job, []))


def latest(facts: Facts, delivery: Delivery) -> float:
    """When the lease of the delivery must be over, however often it was extended."""
    if not facts.claims.timeouts:
        return NEVER
    return delivery.at + facts.plan.jobs[delivery.job].timeout_s + facts.claims.timer_s


def in_order(deliveries: list[Delivery]) -> list[Delivery]:
    """Of one job: by token, since the grant of an older delivery may reach its worker later.

    Where that contradicts what is certain, in the order in which their workers had them.
    """
    by_time = sorted(deliveries, key=lambda delivery: delivery.at)
    by_token = sorted(by_time, key=lambda delivery: delivery.token)
    distinct = len({delivery.token for delivery in deliveries}) == len(deliveries)
    return by_token if distinct and _possible(by_token) else by_time


def _possible(deliveries: list[Delivery]) -> bool:
    """Whether they can have been handed out in this order: nobody asked after a later one."""
    asked_at = -NEVER  # the latest time at which one of those before was asked for
    for delivery in deliveries:
        asked_at = max(asked_at, delivery.since)
        if delivery.at < asked_at:
            return False
    return True


def counted(deliveries: list[Delivery]) -> Count:
    """How many of these count against the job's limit."""
    counts = [delivery.counts for delivery in deliveries]
    return Count(counts.count(True), len(counts) - counts.count(False))
