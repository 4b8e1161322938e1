"""Holder obeyed: what the holder of a valid lease says is accepted, and it happens.

A queue that refuses good acks makes its workers do everything twice, one that refuses heartbeats
takes long jobs away, and one that accepts an ack and goes on lets the job run again. Judged from
what must have been so: the lease surely lasted when the answer came. A refusal after an attempt
that nobody answered says nothing, since the first attempt may have been heard; unless the queue
claims that a word may be repeated, and nobody else had the job by then.
"""

from __future__ import annotations

import numpy as np

from ...backends.claims import Claim
from ..finding import Finding, Judged, judged
from ..record.facts import Facts, Floats
from ..record.history import Answer, Event
from ..record.leases import Leases
from ..record.story import node_name
from ..sight import Needs
from ..units import seconds

TITLE = "the queue does what the holder says"
RANK = 60
NEEDS: Needs = (
    Event.LEASED, Event.ACK_ANSWERED, Event.NACK_ANSWERED, Event.EXTEND_ANSWERED, Event.HELD,
)  # fmt: skip
ALWAYS = True
CERTAIN = True
CLAIMS: tuple[Claim, ...] = ("delivery",)

WORDS = {
    Event.ACK_ANSWERED: "ack",
    Event.NACK_ANSWERED: "nack",
    Event.RELEASE_ANSWERED: "release",
    Event.EXTEND_ANSWERED: "heartbeat",
}
TOLERANCE_S = 1e-6


def judge(facts: Facts) -> Judged:
    said = sum(len(facts.rows(event)) for event in WORDS)
    if not said:
        return Judged("inconclusive", note="no holder said anything that was answered")
    findings = [*_refused(facts), *_acked_in_vain(facts)]
    return judged(findings, f"{said} words of holders were answered, {len(findings)} not obeyed")


def _refused(facts: Facts) -> list[Finding]:
    """Words of holders that were refused while their leases surely lasted."""
    history, findings = facts.history, list[Finding]()
    refused = np.zeros(facts.jobs, dtype=bool)
    repeated = (Answer.UNKNOWN,) if facts.claims.idempotent_settle else ()
    kinds = [(event, answer) for event in WORDS for answer in (Answer.FAILED, *repeated)]
    for event, answer in kinds:
        refused[history["job"][facts.rows(event, answer)]] = True
    if not refused.any():
        return findings
    leases = Leases(facts, refused)
    for event, answer in kinds:
        for row, holder in leases.rows(event, answer):
            job, token, node, *_ = holder
            if not facts.claims.fencing and facts.handed_out[job] > 1:
                continue  # somebody else's word may have been taken for the holder's
            if answer == Answer.UNKNOWN and leases.newer(job, token, float(history["t"][row])):
                continue  # the first attempt may have been heard, and the job settled again since
            word = ("repeated " if answer == Answer.UNKNOWN else "") + WORDS[event]
            at_s, until_s = float(history["t"][row]), leases.ends.get(holder, -np.inf)
            if at_s < until_s - TOLERANCE_S:
                findings.append(
                    Finding(
                        job,
                        f"the {word} of job {job} by {node_name(facts, node)} under token {token} "
                        f"was refused at {seconds(at_s)}, though its lease lasts until "
                        f"{seconds(until_s)}",
                        (row,),
                        until_s - at_s,
                    )
                )
    return findings


def _acked_in_vain(facts: Facts) -> list[Finding]:
    """Jobs that were acked, and are handed out again or held at the end all the same."""
    history, findings = facts.history, []
    t, since, token = history["t"], history["since"], history["token"]
    first: dict[int, int] = {}
    for row in facts.rows(Event.ACK_ANSWERED, Answer.OK).tolist():
        first.setdefault(int(history["job"][row]), row)
    if not first:
        return []
    enqueued = _last_enqueue(facts)
    again = {
        int(history["job"][row]): row
        for row in facts.rows(Event.LEASED).tolist()
        if (ack := first.get(int(history["job"][row]), row)) < row
        and (since[row] > t[ack] or (facts.claims.fencing and token[row] > token[ack]))
    }
    unsaid = {  # its holder said something else as well
        int(history["job"][row])
        for row in facts.rows(Event.HANDBACK_SENT).tolist()
        if (ack := first.get(int(history["job"][row]), row)) < row and token[ack] == token[row]
    }
    left = {
        int(history["job"][row]): row
        for event in (Event.HELD, Event.DEAD)
        for row in facts.rows(event).tolist()
    }
    for job, ack in first.items():
        if enqueued[job] > since[ack] or facts.replays[job] or job in unsaid:
            continue  # it may have been enqueued anew since then, or brought back
        if not facts.claims.fencing and not _surely_of_the_holder(facts, ack):
            continue  # a late ack may be accepted, and be for nothing
        row = again.get(job, left.get(job))
        if row is None:
            continue
        if job in again:
            what = f"it was handed out again at {seconds(t[row])}"
        elif history["event"][row] == Event.HELD:
            what = "the queue still held it at the end"
        else:
            what = "it lay in the dead letters at the end"
        findings.append(
            Finding(
                job,
                f"the ack of job {job} was accepted at {seconds(t[ack])}, and {what}",
                (ack, row),
                0.0,
            )
        )
    return findings


def _surely_of_the_holder(facts: Facts, ack: int) -> bool:
    """Whether the job was handed out once, and that lease surely lasted when this was accepted."""
    history = facts.history
    job = int(history["job"][ack])
    leases = Leases(facts, np.arange(facts.jobs) == job)
    alone = len(leases.of_job.get(job, ())) == 1
    return alone and all(end > history["t"][ack] for end in leases.ends.values())


def _last_enqueue(facts: Facts) -> Floats:
    """Per job: when its enqueue was last under way; infinite where nobody knows."""
    history, last = facts.history, np.full(facts.jobs, -np.inf)
    sent, answered = facts.rows(Event.ENQUEUE_SENT), facts.rows(Event.ENQUEUE_ANSWERED)
    for rows in (sent, answered):
        np.maximum.at(last, history["job"][rows], history["t"][rows])
    calls = np.bincount(history["job"][sent], minlength=facts.jobs)
    answers = np.bincount(history["job"][answered], minlength=facts.jobs)
    last[calls > answers] = np.inf
    return last
