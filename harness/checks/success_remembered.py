"""Success remembered: what is done and was acknowledged is not told as failed.

Whoever looks at the queue, or hangs a refund on its failures, believes what it says in the end. A
job whose function returned, whose ack was accepted after that, and which no fault met, has
succeeded. Judged of a library's own workers, which show when a function returns. Where the network
or the server failed, a worker may have been taken for dead while it went on, and nothing is said.
"""

from __future__ import annotations

import numpy as np

from ...backends.claims import Claim
from ..finding import Finding, Judged, judged
from ..record.facts import Facts, Flags
from ..record.history import Answer, Event
from ..record.story import node_name
from ..sight import Needs
from ..units import seconds

TITLE = "what is done is not told as failed"
RANK = 62
NEEDS: Needs = (Event.RETURNED, Event.ACK_ANSWERED, Event.DEAD)
ALWAYS = True
EXCUSED_BY: tuple[Claim, ...] = ("durable", "steady_time")


def judge(facts: Facts) -> Judged:
    history = facts.history
    acked = facts.last(facts.rows(Event.ACK_ANSWERED, Answer.OK))
    returned = facts.last(facts.rows(Event.RETURNED))
    undone = np.maximum(*(facts.last(facts.rows(event)) for event in (Event.STARTED, Event.RAISED)))
    done = (returned >= 0) & (acked > returned) & (returned > undone) & ~_met_by_a_fault(facts)
    if not done.any():
        return Judged("inconclusive", note="of no job it is certain that it was done")
    findings = []
    for job in np.flatnonzero(done & facts.dead).tolist():
        row, ack = int(returned[job]), int(acked[job])
        who = node_name(facts, int(history["node"][row]))
        sentence = (
            f"job {job} was done by {who} at {seconds(history['t'][row])}, its ack was accepted at "
            f"{seconds(history['t'][ack])}, and in the end the queue tells it as failed"
        )
        findings.append(Finding(job, sentence, (row, ack)))
    note = f"{int(done.sum())} jobs were surely done, {len(findings)} of them told as failed"
    return judged(findings, note)


def _met_by_a_fault(facts: Facts) -> Flags:
    """Jobs of which a fault may be what they are told as failed for."""
    history, met = facts.history, np.zeros(facts.jobs, dtype=bool)
    for row in history.where(Event.FAULT_STRUCK).tolist():
        fault, job = facts.plan.faults[history["fault"][row]], int(history["job"][row])
        if fault.on_network or fault.strikes_server:
            met[:] = True
        elif 0 <= job < facts.jobs:
            met[job] = True
    return met
