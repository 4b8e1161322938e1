"""No starvation: a job of a queue with a bound is handed to a worker within that bound.

Waiting is counted from the moment the producer knew that the job was accepted. A job
that never got a worker has waited until the end of the run.
"""

from __future__ import annotations

import numpy as np

from ..facts import Facts, seconds
from .finding import Finding, Judged, judged


def judge(facts: Facts) -> Judged:
    judged_jobs = facts.bounded & facts.accepted
    if not judged_jobs.any():
        return Judged("inconclusive", note="no job with a bounded wait was accepted")
    leased = np.where(np.isnan(facts.leased_at), facts.ended_at, facts.leased_at)
    waited = np.maximum(0.0, leased - facts.accepted_at)
    findings = []
    for job in np.flatnonzero(judged_jobs & (waited > facts.bounds_s)):
        queue = facts.plan.queues[facts.plan.jobs[job].queue].name
        never = " and was never handed to a worker" if np.isnan(facts.leased_at[job]) else ""
        findings.append(
            Finding(
                int(job),
                f"job {job} of queue {queue!r} waited {seconds(waited[job])} for a worker, "
                f"longer than its bound of {seconds(facts.bounds_s[job])}{never}",
                tuple(facts.history.of_job(job).tolist()),
                float(waited[job]),
            )
        )
    worst = seconds(waited[judged_jobs].max())
    return judged(
        findings,
        f"{len(findings)} of {np.count_nonzero(judged_jobs)} waited too long, the longest {worst}",
    )
