"""Progress after heal: once the faults are over, all work that is left comes to an end.

The driver waits until the queue holds nothing ready and nothing leased, or until the
plan's deadline. Jobs still held then are stuck.
"""

from __future__ import annotations

import numpy as np

from ..facts import Facts, seconds
from ..history import Event
from .finding import Finding, Judged, judged


def judge(facts: Facts) -> Judged:
    if facts.quiet_at is not None:
        recovery = max(0.0, facts.quiet_at - facts.healed_at)
        return judged([], f"quiet {seconds(recovery)} after the last fault was over")
    if not len(facts.history.where(Event.DEADLINE)):
        return Judged("inconclusive", note="the run ended before it was quiet or at its deadline")
    stuck = np.flatnonzero(facts.held)
    if not len(stuck):
        return Judged(
            "violated",
            (Finding(-1, "the workers were still busy at the deadline, though nothing was held"),),
        )
    findings = [
        Finding(
            int(job),
            f"job {job} was still held by the queue at the deadline, "
            f"{seconds(facts.plan.deadline_s - facts.healed_at)} after the last fault was over",
            tuple(facts.history.of_job(job).tolist()),
        )
        for job in stuck
    ]
    return judged(findings, f"{len(stuck)} jobs stuck at the deadline")
