"""Bounded deliveries: no job is handed out more often than its limit, crashes included.

Deliveries handed back by a graceful shutdown do not count, and a dead letter that is replayed
has its limit anew. So has a job that comes again when its queue has forgotten it.
"""

from __future__ import annotations

import numpy as np

from ...backends.claims import Claim
from ..finding import Finding, Judged, judged
from ..record.facts import Facts
from ..sight import HAND_OVER, Needs
from ..spec.lives import born_again

TITLE = "deliveries are bounded"
RANK = 50
NEEDS: Needs = (HAND_OVER,)
ALWAYS = True
CERTAIN = True
CLAIMS: tuple[Claim, ...] = ("bounded_deliveries",)


def judge(facts: Facts) -> Judged:
    limit = facts.plan.max_deliveries
    limits = limit * (1 + facts.replays + born_again(facts))
    history, rows = facts.history, facts.rows(facts.hand_over)
    findings = [
        Finding(
            int(job),
            f"job {job} was handed out {facts.deliveries[job]} times, "
            f"{limits[job]} are allowed; crashed deliveries count",
            tuple(rows[history["job"][rows] == job].tolist()),
            float(facts.deliveries[job]),
        )
        for job in np.flatnonzero(facts.deliveries > limits)
    ]
    most = int(facts.deliveries.max()) if facts.jobs else 0
    return judged(findings, f"no job was delivered more than {most} times, {limit} are allowed")
