"""No lost work: every job that the queue accepted has had its effect, or lies in the dead
letters, or is still held by the queue.

An accepted job with none of the three is lost. A job whose enqueue was never answered may
have either fate. Being stuck is not being lost; ``progress_after_heal`` judges that.
"""

from __future__ import annotations

import numpy as np

from ..facts import Facts
from ..story import tell_loss
from .finding import Finding, Judged, judged


def judge(facts: Facts) -> Judged:
    if not facts.accepted.any():
        return Judged("inconclusive", note="no job was accepted, so none could be lost")
    findings = [
        Finding(int(job), tell_loss(facts, int(job)), tuple(facts.history.of_job(job).tolist()))
        for job in np.flatnonzero(facts.lost)
    ]
    return judged(findings, f"{len(findings)} of {facts.accepted.sum()} accepted jobs lost")
