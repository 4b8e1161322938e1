"""Which jobs a claim concerns: without it, what befell these jobs breaks no promise.

A queue that does not claim durability may forget what it held when its server crashed, and is held
to everything else. Each function here says, from the facts alone, which jobs those are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from ...backends.claims import Claim, unclaimed
from ...protocol.repeat import DEFAULT
from ..faults import CallFault
from ..finding import Judged, not_judged
from ..plan.plan import NEVER_BACK
from .facts import Facts, Flags
from .history import Answer, Event

# What every check leans on that follows a job from delivery to delivery.
OF_DELIVERIES: tuple[Claim, ...] = ("durable", "durable_acks", "idempotent_enqueue", "steady_time")

SETTLED = (Event.ACK_ANSWERED, Event.NACK_ANSWERED, Event.RELEASE_ANSWERED)


def met_by_a_crash(facts: Facts) -> Flags:
    """Jobs that were on their way to the queue, or in it, when its server crashed.

    Not those that it still had afterwards, and nobody took before a fresh worker came: they were
    never forgotten.
    """
    kept = facts.poked & (facts.handed_out == 1)
    flags: Flags = (facts.sent_at <= _last_crash_s(facts)) & ~kept
    return flags


def settled_before_a_crash(facts: Facts) -> Flags:
    """Jobs of which a word was accepted before the queue's server crashed."""
    history, flags = facts.history, np.zeros(facts.jobs, dtype=bool)
    for event in SETTLED:
        rows = facts.rows(event, Answer.OK)
        flags[history["job"][rows[history["t"][rows] <= _last_crash_s(facts)]]] = True
    return flags


def _last_crash_s(facts: Facts) -> float:
    history, faults = facts.history, facts.plan.faults
    struck = history.where(Event.FAULT_STRUCK).tolist()
    crashes = [history["t"][i] for i in struck if faults[history["fault"][i]].strikes_server]
    return float(max(crashes, default=-np.inf))


def maybe_enqueued_twice(facts: Facts) -> Flags:
    """Jobs whose enqueue may have reached the queue more than once, and those of the same work."""
    history = facts.history
    sent = np.bincount(history["job"][facts.rows(Event.ENQUEUE_SENT)], minlength=facts.jobs)
    answers = facts.rows(Event.ENQUEUE_ANSWERED)
    once = np.zeros(facts.jobs, dtype=bool)
    took, attempts = history["t"] - history["since"], history["value"][answers]
    # Who did not count his attempts made one, if there was no time for the pause before another.
    alone = (attempts == 1) | ((attempts == 0) & (took[answers] < DEFAULT.pause_s))
    once[history["job"][answers[alone]]] = True
    for row in facts.rows(Event.FAULT_STRUCK).tolist():
        fault = facts.plan.faults[history["fault"][row]]
        if isinstance(fault, CallFault) and fault.call == "enqueue":
            once[history["job"][row]] = False
    twice = (sent > 1) | ((sent > 0) & ~once)
    works = np.zeros(facts.jobs, dtype=bool)
    works[facts.work[twice]] = True
    flags: Flags = works[facts.work]
    return flags


def met_by_a_wrong_clock(facts: Facts) -> Flags:
    """Every job, if a clock was ever wrong."""
    history, faults = facts.history, facts.plan.faults
    struck = history["fault"][history.where(Event.FAULT_STRUCK)].tolist()
    return np.full(facts.jobs, any(faults[number].skew_s for number in struck))


def share_a_key(facts: Facts) -> Flags:
    """Jobs that submit the same work as another one."""
    flags: Flags = np.bincount(facts.work, minlength=facts.jobs)[facts.work] > 1
    return flags


def differ_in_priority(facts: Facts) -> Flags:
    """Every job, if some are more urgent than others."""
    return np.full(facts.jobs, len({job.priority for job in facts.plan.jobs}) > 1)


def all_jobs(facts: Facts) -> Flags:
    return np.ones(facts.jobs, dtype=bool)


def settled_again(facts: Facts) -> Flags:
    """Jobs whose ack, nack or release was repeated after an attempt that nobody answered."""
    flags = np.zeros(facts.jobs, dtype=bool)
    for event in SETTLED:
        flags[facts.history["job"][facts.rows(event, Answer.UNKNOWN)]] = True
    return flags


def have_failed(facts: Facts) -> Flags:
    """Jobs of which the queue took note that they failed."""
    failed = facts.history["job"][facts.rows(Event.NACK_ANSWERED, Answer.OK)]
    flags: Flags = np.bincount(failed, minlength=facts.jobs) > 0
    return flags


def handed_out_again(facts: Facts) -> Flags:
    """Jobs that were handed out more than once; all of them, if one was more often than allowed.

    That one may keep the workers from everything else, for ever.
    """
    if (facts.handed_out > facts.plan.max_deliveries).any():
        return all_jobs(facts)
    flags: Flags = facts.handed_out > 1
    return flags


def behind_a_limit(facts: Facts) -> Flags:
    """Every job, if a queue of the plan has a limit: what it lets in, others wait behind."""
    return np.full(facts.jobs, any(q.max_waiting is not None for q in facts.plan.queues))


def behind_what_hangs(facts: Facts) -> Flags:
    """Every job, if one of the plan never comes back by itself."""
    return np.full(facts.jobs, any(job.behaviour in NEVER_BACK for job in facts.plan.jobs))


CONCERNED: Mapping[Claim, Callable[[Facts], Flags]] = {
    "durable": met_by_a_crash,
    "durable_acks": settled_before_a_crash,
    "idempotent_enqueue": maybe_enqueued_twice,
    "steady_time": met_by_a_wrong_clock,
    "skips_completed_keys": share_a_key,
    "priorities": differ_in_priority,
    "ordered": all_jobs,
    "prompt": all_jobs,
    "idempotent_settle": settled_again,
    "retries": have_failed,
    "bounded_deliveries": handed_out_again,
    "bounded_backlog": behind_a_limit,
    "timeouts": behind_what_hangs,
}


def excused(judged: Judged, facts: Facts, by: Sequence[Claim]) -> Judged:
    """The answer without the findings that the lack of a claim excuses.

    A finding about no job in particular is excused if any job is.
    """
    if judged.verdict != "violated":
        return judged
    findings, lacking = judged.findings, list[str]()
    for claim, why in _lacking(facts, by):
        free = CONCERNED[claim](facts)
        left = tuple(
            finding
            for finding in findings
            if not (free[finding.job] if 0 <= finding.job < facts.jobs else free.any())
        )
        if len(left) < len(findings):
            findings, lacking = left, [*lacking, why]
    if not findings:
        return not_judged("; ".join(lacking))
    return Judged("violated", findings, judged.note) if lacking else judged


def unjudgeable(judged: Judged, facts: Facts, by: Sequence[Claim]) -> Judged:
    """An answer that says nothing, as what it is where the lack of a claim may be the reason."""
    if judged.verdict != "inconclusive":
        return judged
    reasons = [why for claim, why in _lacking(facts, by) if CONCERNED[claim](facts).any()]
    return not_judged("; ".join([judged.note, *reasons])) if reasons else judged


def _lacking(facts: Facts, by: Sequence[Claim]) -> Iterator[tuple[Claim, str]]:
    """The claims among these that the system does not make, and how that is said."""
    for claim in by:
        if why := unclaimed(facts.claims, (claim,)):
            yield claim, why
