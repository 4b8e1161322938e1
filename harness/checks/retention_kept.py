"""Retention kept: what is done is remembered as long as the queue claims, and not for ever.

A job that is enqueued again while its queue must remember it is answered as a repetition. Once
it has surely been forgotten, it is a new job: a queue that swallows next week's import, because it
ran this week, loses it. Housekeeping comes now and then, so some time is allowed for it. Jobs that
became dead letters are not judged: how long those are kept is for their operator to say. Where the
clock of the server is wrong nothing is.
"""

from __future__ import annotations

import numpy as np

from ...backends.claims import Claim
from ...protocol.events import CREATED, REPEATED
from ..finding import Finding, Judged, judged, not_judged
from ..record.facts import Facts
from ..record.history import Answer, Event
from ..sight import Needs
from ..spec.lives import struck_enqueues
from ..units import seconds

TITLE = "what is done is remembered for a while"
RANK = 66
NEEDS: Needs = (Event.ENQUEUE_SENT, Event.ENQUEUE_ANSWERED, Event.ACK_ANSWERED)
CLAIMS: tuple[Claim, ...] = ("idempotent_enqueue",)
EXCUSED_BY: tuple[Claim, ...] = ("durable",)
ALWAYS = True
HOUSEKEEPING_S = 300.0  # at least so long after the retention a job may still be known,
HOUSEKEEPING = 1 / 50  # and at least for this part of the retention


def judge(facts: Facts) -> Judged:
    retention_s = facts.claims.retention_s
    if retention_s is None:
        return not_judged("how long it remembers what is done is not claimed")
    if any(fault.skew_s for fault in facts.plan.faults):
        return Judged("inconclusive", note="the server's clock was wrong")
    findings, count = list[Finding](), 0
    for job, planned in enumerate(facts.plan.jobs):
        again = planned.again_after_s and job not in struck_enqueues(facts)
        asked = _enqueued_again(facts, job) if again else []
        findings += [
            f for row, done in asked if (f := _told_wrongly(facts, row, done, retention_s))
        ]
        count += len(asked)
        if planned.same_work_as >= 0 and not planned.own_key:
            done_at = _others_done_at(facts, job)
            count += done_at is not None
            if done_at is not None and (f := _not_run(facts, job, done_at, retention_s)):
                findings.append(f)
    if not count:
        return Judged("inconclusive", note="nothing that was done was enqueued again")
    return judged(findings, f"{count} enqueues of what was done, {len(findings)} not as claimed")


def _forgotten_s(retention_s: float) -> float:
    """After so many seconds what is done is surely forgotten."""
    return retention_s + max(HOUSEKEEPING_S, HOUSEKEEPING * retention_s)


def _enqueued_again(facts: Facts, job: int) -> list[tuple[int, int]]:
    """Answers to single attempts to enqueue the job when it was done, with the row of its ack."""
    history, found, done = facts.history, list[tuple[int, int]](), -1
    for row in history.of_job(job).tolist():
        event, accepted = history["event"][row], history["answer"][row] == Answer.OK
        if event == Event.ACK_ANSWERED and accepted:
            done = row
        elif event == Event.LEASED:
            done = -1
        elif event == Event.ENQUEUE_ANSWERED and done >= 0:
            known = history["t"][done] <= history["since"][row]
            if accepted and known and history["value"][row] == 1:
                found.append((row, done))
            done = -1  # it may be remembered from now on, or be another job
    return found


def _told_wrongly(facts: Facts, row: int, done: int, retention_s: float) -> Finding | None:
    history, told = facts.history, facts.history["key"][row]
    job, sent_at = int(history["job"][row]), history["since"][row]
    acked = float(history["t"][done])
    sentence = f"job {job} was done at {seconds(acked)} and enqueued again at {seconds(sent_at)}"
    if told == CREATED and history["t"][row] < history["since"][done] + retention_s:
        sentence += f", and was answered as new, though what is done is {_remembered(retention_s)}"
    elif told == REPEATED and sent_at > acked + _forgotten_s(retention_s):
        sentence += ", and was answered as a repetition and not run, though what is done is "
        sentence += f"{_remembered(retention_s)} only"
    else:
        return None
    return Finding(job, sentence, (done, row))


def _others_done_at(facts: Facts, job: int) -> float | None:
    """When all other jobs of the same work had been done and left alone, as this one was sent."""
    history, sent_at = facts.history, facts.sent_at[job]
    others = np.flatnonzero((facts.work == facts.work[job]) & (np.arange(facts.jobs) != job))
    theirs = np.sort(np.concatenate([history.of_job(other) for other in others.tolist()]))
    rows = theirs[history["t"][theirs] < sent_at]
    acks = rows[history["event"][rows] == Event.ACK_ANSWERED]
    if not len(acks) or history["answer"][acks[-1]] != Answer.OK:
        return None
    return float(history["t"][rows].max())


def _not_run(facts: Facts, job: int, done_at: float, retention_s: float) -> Finding | None:
    history, rows = facts.history, facts.history.of_job(job)
    sent_at, settled = facts.sent_at[job], rows[history["event"][rows] == Event.SETTLED]
    if not facts.accepted[job] or facts.handed_out[job] or not len(settled):
        return None
    if sent_at <= done_at + _forgotten_s(retention_s):
        return None
    sentence = (
        f"job {job}, enqueued at {seconds(sent_at)}, was never handed out, since work of its key "
        f"was done by {seconds(done_at)}, though what is done is {_remembered(retention_s)} only"
    )
    return Finding(job, sentence, tuple(rows.tolist()))


def _remembered(retention_s: float) -> str:
    return f"remembered for {seconds(retention_s)}"
