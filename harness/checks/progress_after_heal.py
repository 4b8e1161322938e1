"""Progress after heal: once the faults are over, all work that is left comes to an end.

The driver waits until the queue holds no job any more, or until the plan's deadline; a queue that
counts no job and yet holds one is given up before that (:mod:`..drivers.conductor`). Jobs still
held then are stuck. A deadline that comes while a fault still lasts says nothing.
"""

from __future__ import annotations

import numpy as np

from ...backends.claims import Claim
from ..finding import Finding, Judged, judged
from ..record.facts import Facts
from ..record.history import Event
from ..record.holders import held_by_queue, still_has
from ..sight import Needs
from ..units import seconds

TITLE = "after the faults, all work ends"
RANK = 70
NEEDS: Needs = (Event.HELD,)
NEEDS_TIME = True
ALWAYS = True
# Who does not bound deliveries may let a job kill its workers for ever, and who has no timeouts
# lets one that hangs hold its worker; whom a crash made forget a job may begin its delay anew.
# What is stuck is not held for that: the run proves nothing.
EXCUSED_BY: tuple[Claim, ...] = ("bounded_deliveries", "durable", "timeouts")


def judge(facts: Facts) -> Judged:
    history, stuck = facts.history, np.flatnonzero(facts.held)
    if facts.quiet_at is not None:
        recovery = max(0.0, facts.quiet_at - facts.healed_at)
        return judged(
            [_finding(facts, int(job), facts.quiet_at) for job in stuck],
            f"quiet {seconds(recovery)} after the last fault was over",
        )
    deadlines = history.where(Event.DEADLINE)
    if not len(deadlines):
        return Judged("inconclusive", note="the run ended before it was quiet or at its deadline")
    end = float(history["t"][deadlines[0]])
    if facts.healed_at >= end:
        return Judged(
            "inconclusive",
            note=f"the last fault would be over at {seconds(facts.healed_at)}, "
            f"after the deadline at {seconds(end)}",
        )
    waited_s, own_s = end - facts.healed_at, facts.plan.lease_s
    if len(stuck) and waited_s < own_s and len(history.where(Event.HOOKED)):
        return Judged(
            "inconclusive",
            note=f"{len(stuck)} jobs were still held at the end, {seconds(waited_s)} after the "
            f"last fault; the library may bring them back within {seconds(own_s)}",
        )
    later = _due_later(facts)
    if len(later) and not len(stuck := np.setdiff1d(stuck, list(later))):
        return Judged(
            "inconclusive",
            note=f"{len(later)} jobs were still held at the end; what holds them gives the first "
            f"of them back by itself {seconds(min(later.values()))} later, which was not seen",
        )
    if not len(stuck):
        return Judged(
            "violated",
            (Finding(-1, "somebody was still busy at the deadline, though the queue held no job"),),
        )
    contradicts = "; the queue contradicts itself" if facts.contradicted.any() else ""
    return judged(
        [_finding(facts, int(job), end) for job in stuck],
        f"{len(stuck)} jobs stuck at the end{contradicts}",
    )


def _due_later(facts: Facts) -> dict[int, float]:
    """Jobs that what holds them gives back by itself later, in how many seconds."""
    rows = facts.rows(Event.DUE)
    return dict(
        zip(facts.history["job"][rows].tolist(), facts.history["value"][rows].tolist(), strict=True)
    )


def _finding(facts: Facts, job: int, end: float) -> Finding:
    since = f"{seconds(end - facts.healed_at)} after the last fault was over"
    if facts.contradicted[job] or facts.quiet_at is not None:
        state = "leased" if facts.held_leased[job] else "ready"
        sentence = (
            f"the queue says that it has no job left, {since}, and that job {job} is {state}: "
            "it contradicts itself, and the job is stuck"
        )
    else:
        sentence = f"job {job} was still held by the queue at the deadline, {since}"
        if not held_by_queue(facts)[job]:
            who = still_has(facts, job)
            sentence = f"at the deadline, {since}, nothing held job {job} but {who}"
        if facts.poked[job]:
            sentence += "; it was done once a fresh worker was started"
    return Finding(job, sentence, tuple(facts.history.of_job(job).tolist()))
