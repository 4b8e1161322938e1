"""Backoff respected: after a failure a job waits as long as its policy says, and no longer.

At least: counted from the moment at which the failure was first reported, so never too short by
the network's fault. With full jitter any wait up to the most is legal. At most: judged where a
worker asked for work when the longest backoff was over, and was not given the job.
"""

from __future__ import annotations

from ...backends.claims import Claim
from ..finding import Finding, Judged, judged
from ..record.excuses import OF_DELIVERIES
from ..record.facts import Facts
from ..record.history import Event
from ..sight import Needs
from ..spec.backoff import backoff
from ..spec.retries import retries
from ..spec.vain import in_vain, told
from ..units import seconds

TITLE = "retries wait for their backoff"
RANK = 80
NEEDS: Needs = (Event.LEASED, Event.NACK_ANSWERED)
NEEDS_TIME = True
CLAIMS: tuple[Claim, ...] = ("retries",)
# Its backoff grows with the deliveries that count.
EXCUSED_BY: tuple[Claim, ...] = (*OF_DELIVERIES, "bounded_deliveries")
ALWAYS = True

TOLERANCE_S = 1e-6


def judge(facts: Facts) -> Judged:
    policy = facts.plan.retry
    history, found, findings = facts.history, retries(facts), list[Finding]()
    late = told(facts, in_vain(facts, ("retry",)))
    if not found and not late:
        return Judged("inconclusive", note="nothing was retried")
    for row, again, counted in found:
        job, failed_at = int(history["job"][row]), float(history["since"][row])
        least_s = backoff(policy, counted).least_s - facts.claims.timer_s
        waited_s = float(history["t"][again]) - failed_at
        if waited_s < least_s - TOLERANCE_S:
            findings.append(
                Finding(
                    job,
                    f"job {job} failed at {seconds(failed_at)} and was handed out "
                    f"again {waited_s:.3f} s later; its backoff is at least {least_s:.3f} s",
                    (row, again),
                    least_s - waited_s,
                )
            )
    early = len(findings)
    note = f"{len(found)} retries, {early} too early, {len(late)} too late"
    return judged(findings + late, note)
