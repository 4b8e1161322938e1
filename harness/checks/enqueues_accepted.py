"""Enqueues accepted: a job that asks for nothing unlawful is not refused, and its answer is true.

A queue may refuse a job where the plan gives it a limit and it may be full. To refuse anything else
is to lose work before it is even accepted: whoever was told so knows it, and can do nothing. A
refusal after an attempt that nobody answered counts where a repeated enqueue is promised to be
answered as the first one was.

A producer is told, too, whether the job is new: the first enqueue of a job is no repetition, and
one that comes while the queue surely holds the job is.
"""

from __future__ import annotations

import numpy as np

from ...protocol.events import CREATED, REPEATED
from ..finding import Finding, Judged, judged
from ..record.facts import Facts, Floats
from ..record.history import Answer, Event
from ..sight import Needs
from ..spec.lives import struck_enqueues
from ..units import seconds

TITLE = "what is legal to enqueue is accepted"
RANK = 65
NEEDS: Needs = (Event.ENQUEUE_SENT, Event.ENQUEUE_ANSWERED)
ALWAYS = True


def judge(facts: Facts) -> Judged:
    history, answered = facts.history, facts.rows(Event.ENQUEUE_ANSWERED)
    if not len(answered):
        return Judged("inconclusive", note="no enqueue was answered")
    refused = facts.rows(Event.ENQUEUE_ANSWERED, Answer.FAILED).tolist()
    if facts.claims.idempotent_enqueue:
        refused += facts.rows(Event.ENQUEUE_ANSWERED, Answer.UNKNOWN).tolist()
    findings, others = list[Finding](), _Others(facts)
    for row in refused:
        job = int(history["job"][row])
        queue = facts.plan.queues[facts.plan.jobs[job].queue]
        sentence = f"the enqueue of job {job} was refused at {seconds(history['t'][row])}"
        if queue.max_waiting is None:
            findings.append(Finding(job, f"{sentence}, though it is a legal job", (row,)))
            continue
        most = others.may_have_waited(row)
        if most < queue.max_waiting:
            sentence += f", though at most {most} others waited where {queue.max_waiting} may"
            findings.append(Finding(job, sentence, (row,)))
    untrue = _told_wrongly(facts)
    return judged(
        findings + untrue,
        f"{len(answered)} enqueues answered, {len(findings)} refused unlawfully, "
        f"{len(untrue)} untruly answered",
    )


def _told_wrongly(facts: Facts) -> list[Finding]:
    """Answers that call a job new that the queue held, or a new one held."""
    history, findings = facts.history, list[Finding]()
    t, since, jobs = history["t"], history["since"], history["job"]
    over = _said_to_be_over(facts)
    idempotent = facts.claims.idempotent_enqueue
    accepted_at = np.full(facts.jobs, np.inf)
    for row in facts.rows(Event.ENQUEUE_ANSWERED, Answer.OK).tolist():
        job, told = int(jobs[row]), history["key"][row]
        known = accepted_at[job] <= since[row]
        if told == REPEATED and _sent_once(facts, row):
            sentence = f"the first enqueue of job {job} was answered as a repetition"
            findings.append(Finding(job, f"{sentence} at {seconds(t[row])}", (row,)))
        elif told == CREATED and idempotent and known and t[row] < over[facts.work[job]]:
            sentence = f"the enqueue of job {job}, which the queue held, was answered as new"
            findings.append(Finding(job, f"{sentence} at {seconds(t[row])}", (row,)))
        accepted_at[job] = min(accepted_at[job], t[row])
    return findings


def _said_to_be_over(facts: Facts) -> Floats:
    """For each work, when the first ack of one of its jobs was sent: then they may be forgotten."""
    history, over = facts.history, np.full(facts.jobs, np.inf)
    acks = facts.rows(Event.ACK_SENT)
    np.minimum.at(over, facts.work[history["job"][acks]], history["t"][acks])
    return over


def _sent_once(facts: Facts, row: int) -> bool:
    """Whether this enqueue was the first, and reached the queue once: no fault doubled it."""
    history = facts.history
    if history["value"][row] != 1:
        return False
    job = int(history["job"][row])
    rows = history.of_job(job)
    early = history["t"][rows] <= history["t"][row]
    if np.count_nonzero((history["event"][rows] == Event.ENQUEUE_SENT) & early) != 1:
        return False
    return job not in struck_enqueues(facts)


class _Others:
    """How many other jobs may wait when one is refused: when each came, and when it was gone."""

    def __init__(self, facts: Facts) -> None:
        self._history, self._sent_at = facts.history, facts.sent_at
        self._gone_at = np.full(facts.jobs, np.inf)
        acks = facts.rows(Event.ACK_ANSWERED, Answer.OK)
        np.minimum.at(self._gone_at, facts.history["job"][acks], facts.history["t"][acks])
        self._queue = np.array([planned.queue for planned in facts.plan.jobs])
        self._sorted: dict[int, tuple[Floats, Floats]] = {}

    def may_have_waited(self, row: int) -> int:
        """Other jobs of its queue that may have waited when this enqueue was refused, at most."""
        job = int(self._history["job"][row])
        since, at_s = self._history["since"][row], self._history["t"][row]
        came, gone = self._of_queue(int(self._queue[job]))
        waiting = np.searchsorted(came, at_s, "right") - np.searchsorted(gone, since, "left")
        itself = self._sent_at[job] <= at_s and not self._gone_at[job] < since
        return int(waiting) - bool(itself)

    def _of_queue(self, queue: int) -> tuple[Floats, Floats]:
        if queue not in self._sorted:
            of_queue = (self._queue == queue) & ~np.isnan(self._sent_at)
            self._sorted[queue] = np.sort(self._sent_at[of_queue]), np.sort(self._gone_at[of_queue])
        return self._sorted[queue]
