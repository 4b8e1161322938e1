"""Enqueues accepted: a job that asks for nothing unlawful is not refused.

A queue may refuse a job where the plan gives it a limit and it may be full. To refuse anything else
is to lose work before it is even accepted: whoever was told so knows it, and can do nothing. A
refusal after an attempt that nobody answered counts where a repeated enqueue is promised to be
answered as the first one was.
"""

from __future__ import annotations

import numpy as np

from ..finding import Finding, Judged, judged
from ..record.facts import Facts
from ..record.history import Answer, Event
from ..sight import Needs
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
    findings = []
    for row in refused:
        job = int(history["job"][row])
        queue = facts.plan.queues[facts.plan.jobs[job].queue]
        sentence = f"the enqueue of job {job} was refused at {seconds(history['t'][row])}"
        if queue.max_waiting is None:
            findings.append(Finding(job, f"{sentence}, though it is a legal job", (row,)))
            continue
        most = _may_have_waited(facts, row)
        if most < queue.max_waiting:
            sentence += f", though at most {most} others waited where {queue.max_waiting} may"
            findings.append(Finding(job, sentence, (row,)))
    return judged(
        findings, f"{len(answered)} enqueues answered, {len(findings)} refused unlawfully"
    )


def _may_have_waited(facts: Facts, row: int) -> int:
    """How many other jobs of its queue may have waited when this enqueue was refused, at most."""
    history = facts.history
    job, since, at_s = int(history["job"][row]), history["since"][row], history["t"][row]
    queues = np.array([planned.queue for planned in facts.plan.jobs])
    acks = facts.rows(Event.ACK_ANSWERED, Answer.OK)
    gone = history["job"][acks[history["t"][acks] < since]]
    there = (facts.sent_at <= at_s) & (queues == queues[job])
    there[gone] = False
    there[job] = False
    return int(np.count_nonzero(there))
