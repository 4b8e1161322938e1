"""Progress after heal: once the faults are over, all work that is left comes to an end.

The driver waits until the queue holds nothing ready and nothing leased, or until the
plan's deadline. Jobs still held then are stuck. A deadline that comes while a fault still
lasts says nothing.
"""

from __future__ import annotations

import numpy as np

from ..finding import Finding, Judged, judged
from ..record.facts import Facts
from ..record.history import Event
from ..sight import Needs
from ..units import seconds

TITLE = "after the faults, all work ends"
RANK = 70
NEEDS: Needs = (Event.HELD,)


def judge(facts: Facts) -> Judged:
    if facts.quiet_at is not None:
        recovery = max(0.0, facts.quiet_at - facts.healed_at)
        return judged([], f"quiet {seconds(recovery)} after the last fault was over")
    deadlines = facts.history.where(Event.DEADLINE)
    if not len(deadlines):
        return Judged("inconclusive", note="the run ended before it was quiet or at its deadline")
    deadline = float(facts.history["t"][deadlines[0]])
    if facts.healed_at >= deadline:
        return Judged(
            "inconclusive",
            note=f"the last fault would be over at {seconds(facts.healed_at)}, "
            f"after the deadline at {seconds(deadline)}",
        )
    stuck = np.flatnonzero(facts.held)
    if not len(stuck):
        return Judged(
            "violated",
            (Finding(-1, "somebody was still busy at the deadline, though the queue held no job"),),
        )
    findings = [
        Finding(
            int(job),
            f"job {job} was still held by the queue at the deadline, "
            f"{seconds(deadline - facts.healed_at)} after the last fault was over",
            tuple(facts.history.of_job(job).tolist()),
        )
        for job in stuck
    ]
    return judged(findings, f"{len(stuck)} jobs stuck at the deadline")
