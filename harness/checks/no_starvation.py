"""No starvation: a job of a queue with a bound is handed to a worker within that bound.

Waiting is counted from the moment the producer knew that the job was accepted. A job
that never got a worker has waited until the end of the run. One that its worker took and laid
aside waits until that worker begins it; if a fault came between, or the worker never began
it, being taken is enough. One whose work another job does has waited until that is done.
"""

from __future__ import annotations

import numpy as np

from ...backends.claims import Claim
from ..finding import Finding, Judged, judged
from ..record.excuses import OF_DELIVERIES
from ..record.facts import Facts, Floats
from ..record.history import Event
from ..sight import HAND_OVER, Needs
from ..units import seconds

TITLE = "no latency-sensitive queue starves"
RANK = 75
NEEDS: Needs = (Event.ENQUEUE_ANSWERED, HAND_OVER)
NEEDS_TIME = True
EXCUSED_BY: tuple[Claim, ...] = (
    *OF_DELIVERIES, "priorities", "ordered", "bounded_backlog", "prompt",
)  # fmt: skip


def judge(facts: Facts) -> Judged:
    judged_jobs = facts.bounded & facts.accepted
    if not judged_jobs.any():
        return Judged("inconclusive", note="no job with a bounded wait was accepted")
    leased = np.where(np.isnan(facts.leased_at), _done_by_another(facts), facts.leased_at)
    laid_aside = _laid_aside(facts)
    waited = np.maximum(0.0, leased + laid_aside - facts.accepted_at)
    findings = []
    for job in np.flatnonzero(judged_jobs & (waited > facts.bounds_s)):
        queue = facts.plan.queues[facts.plan.jobs[job].queue].name
        never = " and was never handed to a worker" if np.isnan(facts.leased_at[job]) else ""
        if laid_aside[job] > facts.bounds_s[job] / 2:
            never = f"; for {seconds(laid_aside[job])} of it its worker ran something else"
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


def _done_by_another(facts: Facts) -> Floats:
    """Per job: when the effect of its work was applied for another job; else the end of the run."""
    history, done = facts.history, np.full(facts.jobs, facts.ended_at)
    effects = facts.rows(Event.EFFECT)
    first = {
        int(history["job"][row]): float(history["t"][row]) for row in reversed(effects.tolist())
    }
    works: dict[int, list[int]] = {}
    for index, job in enumerate(facts.plan.jobs):
        works.setdefault(index if job.same_work_as < 0 else job.same_work_as, []).append(index)
    for jobs in works.values():
        times = [first[job] for job in jobs if job in first]
        if times:
            done[jobs] = min(times)
    return done


def _laid_aside(facts: Facts) -> Floats:
    """Per job: how long its first holder had it without beginning it, where no fault came between.

    Only where it may matter: of jobs with a bound, those begun later than that.
    """
    history, aside_s = facts.history, np.zeros(facts.jobs)
    began = np.full(facts.jobs, -1)
    starts = facts.rows(Event.STARTED)[::-1]
    began[history["job"][starts]] = starts  # the first of each, since it is written last
    late = history["t"][began] - facts.accepted_at > facts.bounds_s
    strikes = history.where(Event.FAULT_STRUCK)
    for job in np.flatnonzero((began >= 0) & facts.bounded & late):
        leases = facts.rows(Event.LEASED)
        mine = leases[history["job"][leases] == job]
        if not len(mine):
            continue  # whoever began it died before it could tell of its lease
        took, start = int(mine[0]), int(began[job])
        holder = ("node", "incarnation", "token")
        if start < took or any(history[name][took] != history[name][start] for name in holder):
            continue  # another delivery than the first
        between = strikes[(strikes > took) & (strikes < start)]
        if not (history["node"][between] == history["node"][took]).any():
            aside_s[job] = history["t"][start] - history["t"][took]
    return aside_s
