"""No duplicated effects: what a job does to the world happens at most once.

At-least-once redelivery is legal and no finding in itself; what counts is what the
outside world saw, by its own rule (the plan's sink: blind, keyed or upsert).
"""

from __future__ import annotations

import numpy as np

from ...backends.claims import Claim
from ..finding import Finding, Judged, judged
from ..record.excuses import OF_DELIVERIES
from ..record.facts import Facts
from ..record.history import Event
from ..sight import Needs
from ..units import moments

TITLE = "no effect happens twice"
RANK = 20
NEEDS: Needs = (Event.EFFECT,)
NEEDS_TIME = True
EXCUSED_BY: tuple[Claim, ...] = (*OF_DELIVERIES, "skips_completed_keys", "retries")


def judge(facts: Facts) -> Judged:
    history = facts.history
    if facts.completion == Event.COUNTED:
        return _counted(facts)
    rows = facts.rows(Event.EFFECT)
    if not len(rows):
        return Judged("inconclusive", note="no effect was applied, so none could be repeated")
    owners = facts.work[history["job"][rows]]
    findings = []
    for job in np.flatnonzero((facts.effects > 1) & (facts.work == np.arange(facts.jobs))):
        events = rows[owners == job]
        times = moments(history["t"][events].tolist())
        again = sorted({int(j) for j in history["job"][events]} - {int(job)})
        same = f"; the same work was submitted again as job {again[0]}" if again else ""
        findings.append(
            Finding(
                int(job),
                f"the effect of job {job} was applied {facts.effects[job]} times, at {times}{same}",
                tuple(events.tolist()),
                float(facts.effects[job]),
            )
        )
    return judged(findings, f"{len(findings)} of {np.count_nonzero(facts.effects)} repeated")


def _counted(facts: Facts) -> Judged:
    """By who knows how often each effect happened, though not when."""
    again = np.flatnonzero(facts.effects > 1).tolist()
    findings = [
        Finding(
            job,
            f"the effect of job {job} was applied {facts.effects[job]} times",
            tuple(facts.history.of_job(job).tolist()),
            float(facts.effects[job]),
        )
        for job in again
    ]
    if not facts.effects.any():
        return Judged("inconclusive", note="no effect was counted, so none could be repeated")
    return judged(findings, f"{len(findings)} of {np.count_nonzero(facts.effects)} repeated")
