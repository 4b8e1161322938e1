"""The symptoms that a history shows of a job: which faults struck it, in what order things came.

Words for :mod:`.causes` to look up. Everything here can be pointed at in the history; nothing
is a guess.
"""

from __future__ import annotations

import numpy as np

from ..harness.faults import CallFault
from ..harness.record.culprits import settled_by_another
from ..harness.record.facts import Facts, Ints
from ..harness.record.history import Answer, Event, Phase
from ..harness.record.same_key import taken_for_other_work
from ..harness.record.story import delivery_end, taken_and_not_begun
from ..harness.spec.late_words import late_words

ALL_SYMPTOMS = {
    "acked and not done", "acked before its effect", "broker crash", "counted as done", "delayed",
    "done without a word", "ended by another job's ack", "enqueue repeated", "failed", "flood",
    "held and not counted", "key of other work", "late word accepted", "network",
    "never handed out", "no fault", "stale heartbeat accepted", "redelivered", "replayed",
    "skewed clock", "stale settle accepted", "taken and not held", "struck after its effect",
    "submitted twice", "two at once", "worker kill", "worker told to stop",
}  # fmt: skip


def symptoms(facts: Facts, job: int) -> set[str]:
    """What is seen of the job; of the whole run, where no job in particular was wronged (-1)."""
    history = facts.history
    rows = history.of_job(job) if job >= 0 else np.arange(len(history))
    found = _strikes(facts, rows, job)
    if job < 0:
        return found
    of_work = np.flatnonzero(facts.work == facts.work[job]) if job < facts.jobs else [job]
    planned = facts.plan.jobs[job] if job < facts.jobs else None
    if len(of_work) > 1 or (planned and planned.again_after_s is not None):
        found.add("submitted twice")
    events, answers = history["event"][rows], history["answer"][rows]
    accepted = answers == Answer.OK
    leases = int(np.count_nonzero(events == Event.LEASED))
    if leases == 0:
        found.add("never handed out")
    if leases > 1:
        found.add("redelivered")
    if (events == Event.SETTLED).any():
        found.add("counted as done")
    if ((events == Event.NACK_ANSWERED) & accepted).any():
        found.add("failed")
    if planned and planned.delay_s > 0:
        found.add("delayed")
    if (events == Event.REPLAY_SENT).any():
        found.add("replayed")
    acks = np.flatnonzero((events == Event.ACK_ANSWERED) & accepted)
    effects = np.flatnonzero(events == Event.EFFECT)
    if len(acks) and (not len(effects) or acks[0] < effects[0]):
        found.add("acked before its effect")
    if len(acks) and (events[acks[0] :] == Event.LEASED).any():
        found.add("acked and not done")
    if taken_and_not_begun(facts, job) >= 0:
        found.add("taken and not held")
    if taken_for_other_work(facts, job) >= 0:
        found.add("key of other work")
    if (events == Event.CONTRADICTED).any():
        found.add("held and not counted")
    if job in late_words(facts):
        found.add("late word accepted")
    guilty = settled_by_another(facts)
    if job in guilty:
        found.add("ended by another job's ack" if guilty[job] >= 0 else "done without a word")
    found |= _holders(facts, rows)
    return found & ALL_SYMPTOMS


def _strikes(facts: Facts, rows: Ints, job: int) -> set[str]:
    """The kinds of faults that struck; a crash of the queue strikes every job that it had."""
    history, found = facts.history, set[str]()
    first = int(rows[0]) if len(rows) else 0
    for i in history.where(Event.FAULT_STRUCK).tolist():
        fault = facts.plan.faults[int(history["fault"][i])]
        theirs = job < 0 or history["job"][i] == job
        if theirs or (i > first and fault.strikes_server):
            found.add("network" if fault.on_network else fault.kind)
        if theirs and isinstance(fault, CallFault) and fault.call == "enqueue":
            found.add("enqueue repeated")
        if i > first and fault.skew_s:
            found.add("skewed clock")
        if theirs and job >= 0 and history["phase"][i] == Phase.AFTER_EFFECT:
            found.add("struck after its effect")
    if any(fault.floods for fault in facts.plan.faults):
        found.add("flood")
    return found or {"no fault"}


def _holders(facts: Facts, rows: Ints) -> set[str]:
    """Whether two held the job at once, and whether one who had lost it settled it."""
    history, found = facts.history, set[str]()
    newest, ends = 0, list[int]()
    for i in rows.tolist():
        event, token = history["event"][i], int(history["token"][i])
        if event == Event.LEASED:
            if any(end < 0 or end > i for end in ends):
                found.add("two at once")
            ends.append(delivery_end(facts, i))
            newest = max(newest, token)
        elif history["answer"][i] == Answer.OK and token < newest:
            if event == Event.ACK_ANSWERED:
                found.add("stale settle accepted")
            elif event == Event.EXTEND_ANSWERED:
                found.add("stale heartbeat accepted")
    return found
