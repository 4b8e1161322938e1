"""Delays respected: a job that was enqueued with a delay runs when it is over, not before it.

Too early is judged from the moment at which its enqueue was first sent. Too late is judged only
where a worker asked for work and nothing lay between: the delay was surely over, the worker was
told that there is nothing to do, or waited as long as the job did.
"""

from __future__ import annotations

import numpy as np

from ...backends.claims import Claim
from ..finding import Finding, Judged, judged, not_judged
from ..record.facts import Facts
from ..record.history import Event
from ..record.story import node_name
from ..sight import Needs
from ..spec.lives import lives
from ..spec.vain import in_vain
from ..spec.waiting import mixed_up, time_is_certain
from ..units import seconds

TITLE = "a delayed job runs when it is due"
RANK = 75
NEEDS: Needs = (Event.LEASED, Event.ENQUEUE_SENT, Event.NOTHING_TO_DO)
NEEDS_TIME = True
CLAIMS: tuple[Claim, ...] = ("delays",)
ALWAYS = True

TOLERANCE_S = 0.002  # stores may round times to milliseconds


def judge(facts: Facts) -> Judged:
    delays = np.array([job.delay_s for job in facts.plan.jobs])
    delayed = np.flatnonzero((delays > 0) & ~np.isnan(facts.leased_at))
    if not len(delayed):
        return Judged("inconclusive", note="no job with a delay was handed out")
    if not time_is_certain(facts):
        return not_judged("a clock was wrong that the queue may go by")
    findings = _too_early(facts, delayed.tolist())
    early = len(findings)
    seen: set[int] = set()
    for vain in in_vain(facts, ("delay",)):
        job = vain.wait.job
        if job not in seen:
            seen.add(job)
            who = node_name(facts, vain.ask.node)
            findings.append(
                Finding(
                    job,
                    f"the delay of job {job}, {seconds(delays[job])}, was over at "
                    f"{seconds(vain.wait.since)}, and {who}, which asked for work at "
                    f"{seconds(vain.ask.since)}, was not given it until "
                    f"{seconds(vain.wait.handed_at)}",
                    (vain.wait.row, vain.ask.row),
                    vain.for_s,
                )
            )
    late = len(findings) - early
    return judged(findings, f"{len(delayed)} delayed jobs, {early} too early, {late} too late")


def _too_early(facts: Facts, delayed: list[int]) -> list[Finding]:
    findings, of_lives, strange = [], lives(facts), mixed_up(facts)
    for job in delayed:
        due_at = float(facts.sent_at[job]) + facts.plan.jobs[job].delay_s - facts.claims.timer_s
        first = of_lives[job].deliveries[0] if job in of_lives else None
        if first and job not in strange and first.at < due_at - TOLERANCE_S:
            findings.append(
                Finding(
                    job,
                    f"job {job} was enqueued at {seconds(facts.sent_at[job])} with a delay of "
                    f"{seconds(facts.plan.jobs[job].delay_s)}, and was handed out at "
                    f"{seconds(first.at)}",
                    (first.row,),
                    due_at - first.at,
                )
            )
    return findings
