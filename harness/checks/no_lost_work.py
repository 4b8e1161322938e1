"""No lost work: every job that the queue accepted has had its effect, or lies in the dead
letters, or is still held by the queue.

An accepted job with none of the three is lost. A job whose enqueue was never answered may
have either fate. Being stuck is not being lost; ``progress_after_heal`` judges that.

A queue that claims at-most-once delivery may lose what it handed out, and where a grant
went astray nobody knows that it did: nothing is judged. A queue that claims no dead
letters may drop a job that it had reason to give up on.
"""

from __future__ import annotations

import numpy as np

from ...backends.claims import Claim
from ..finding import Finding, Judged, judged
from ..record.culprits import settled_by_another
from ..record.facts import Facts, Flags, Ints
from ..record.history import Answer, Event
from ..record.same_key import taken_for, taken_for_other_work
from ..record.story import tell_loss
from ..sight import WORK_DONE, Needs
from ..spec.asking import asking
from ..units import seconds

TITLE = "no accepted work is lost"
RANK = 10
NEEDS: Needs = (Event.ENQUEUE_ANSWERED, WORK_DONE, Event.HELD, Event.DEAD)
ALWAYS = True
CERTAIN = True
CLAIMS: tuple[Claim, ...] = ("delivery",)
EXCUSED_BY: tuple[Claim, ...] = ("durable",)


def judge(facts: Facts) -> Judged:
    if not facts.accepted.any():
        return Judged("inconclusive", note="no job was accepted, so none could be lost")
    lost = facts.lost if facts.claims.dead_letters else facts.lost & ~_given_up(facts)
    to_blame = settled_by_another(facts) if lost.any() else {}
    findings = [
        _finding(facts, job, to_blame.get(job, -1)) for job in np.flatnonzero(lost).tolist()
    ]
    accepted = np.count_nonzero(facts.accepted)
    untold = int(np.count_nonzero(facts.accepted & facts.untold & (facts.effects == 0)))
    if untold and not findings:
        return Judged(
            "inconclusive",
            note=f"of {untold} of {accepted} accepted jobs the queue did not say what became",
        )
    return judged(findings, f"{len(findings)} of {accepted} accepted jobs lost")


def _finding(facts: Facts, job: int, ack: int) -> Finding:
    """``ack``: the row of another job's ack that ended this one, if there is one."""
    events = facts.history.of_job(job).tolist()
    if (row := taken_for_other_work(facts, job)) >= 0:
        return Finding(job, tell_loss(facts, job), (taken_for(facts)[row], row))
    if ack < 0:
        return Finding(job, tell_loss(facts, job), tuple(events))
    row = facts.history.rows[ack]
    blame = (
        f"; nobody acked it, but the ack of job {row['job']} was accepted at {seconds(row['t'])}"
    )
    leases = [row for row in events if facts.history["event"][row] == Event.LEASED]
    return Finding(job, tell_loss(facts, job) + blame, (*leases[-1:], ack))


def _given_up(facts: Facts) -> Flags:
    """Jobs that a correct queue may have given up on: failed for good, or out of deliveries.

    A grant that was lost on its way counts for a queue that bounds them; all that is left of it is
    the strike, or a worker that died while it asked, or that asked twice at once. Of a run that was
    cut short at its deadline, each worker may have had a grant under way, of which nothing is
    left at all. A job that was acked was not given up.
    """
    history, plan = facts.history, facts.plan
    struck = history["job"][facts.rows(Event.FAULT_STRUCK)]
    grants = facts.handed_out + np.bincount(struck, minlength=facts.jobs)
    if facts.claims.bounded_deliveries:
        grants = grants + _astray(facts)
    if facts.quiet_at is None:
        grants = grants + len(plan.workers)
    spent = grants >= plan.max_deliveries
    for_good = ("permanent", "malformed")
    permanent = np.array([job.behaviour in for_good for job in plan.jobs], dtype=bool)
    handed_back = np.isin(np.arange(facts.jobs), history["job"][history.where(Event.HANDBACK_SENT)])
    acked = np.isin(
        np.arange(facts.jobs), history["job"][history.where(Event.ACK_ANSWERED, Answer.OK)]
    )
    flags: Flags = (spent | (permanent & handed_back)) & ~acked
    return flags


def _astray(facts: Facts) -> Ints:
    """How many grants of each job nobody may have seen, those at the very end left out."""
    found, sent_at = asking(facts).astray, facts.sent_at.tolist()
    queues = [found[job.queue] for job in facts.plan.jobs]
    unseen = [
        astray.between(sent, facts.ended_at) - astray.under_way
        for astray, sent in zip(queues, sent_at, strict=True)
    ]
    return np.array(unseen, dtype=np.intp)
