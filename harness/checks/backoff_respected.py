"""Backoff respected: after a failure a job waits at least as long as its policy says.

With equal jitter the retry after the n-th delivery that counts waits at least half of
``base * factor**(n-1)``, at most half of the cap. With full jitter any wait is legal, so there
is nothing to judge. Waiting is counted from the moment the failure was first reported, and so
never too short by the network's fault.
"""

from __future__ import annotations

from ...backends.claims import Claim
from ..finding import Finding, Judged, judged
from ..record.facts import Facts
from ..record.history import Event
from ..record.retries import retries
from ..sight import Needs
from ..units import seconds

TITLE = "retries wait for their backoff"
RANK = 80
NEEDS: Needs = (Event.LEASED, Event.NACK_ANSWERED)
CLAIMS: tuple[Claim, ...] = ("retries",)

TOLERANCE_S = 1e-6


def judge(facts: Facts) -> Judged:
    policy = facts.plan.retry
    if policy.jitter not in ("equal", "none"):
        return Judged("inconclusive", note=f"{policy.jitter} jitter may retry at once")
    history, found, findings = facts.history, retries(facts), []
    if not found:
        return Judged("inconclusive", note="nothing was retried")
    for row, again, counted in found:
        job, failed_at = int(history["job"][row]), float(history["since"][row])
        least_s = min(policy.cap_s, policy.base_s * policy.factor ** min(counted - 1, 64))
        least_s /= 2 if policy.jitter == "equal" else 1
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
    return judged(findings, f"{len(found)} retries, {len(findings)} too early")
