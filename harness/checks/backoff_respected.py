"""Backoff respected: after a failure a job waits at least as long as its policy says.

With equal jitter the retry after the n-th delivery that counts waits at least half of
``base * factor**(n-1)``, at most half of the cap. With full jitter any wait is legal, so there
is nothing to judge. Waiting is counted from the moment the failure was first reported, and so
never too short by the network's fault.
"""

from __future__ import annotations

from ..facts import Facts, seconds
from ..history import Answer, Event
from .finding import Finding, Judged, judged

TOLERANCE_S = 1e-6


def judge(facts: Facts) -> Judged:
    policy = facts.plan.retry
    if policy.jitter not in ("equal", "none"):
        return Judged("inconclusive", note=f"{policy.jitter} jitter may retry at once")
    history = facts.history
    nacks = facts.rows(Event.NACK_ANSWERED, Answer.OK)
    nacks = nacks[history["value"][nacks] == 0]
    leases, findings, judged_retries = facts.rows(Event.LEASED), [], 0
    for row, counted in zip(nacks, facts.counted(nacks), strict=True):
        job, token = int(history["job"][row]), int(history["token"][row])
        again = leases[(history["job"][leases] == job) & (history["token"][leases] > token)]
        if not len(again):
            continue
        judged_retries += 1
        least_s = min(policy.cap_s, policy.base_s * policy.factor ** min(int(counted) - 1, 64))
        least_s /= 2 if policy.jitter == "equal" else 1
        waited_s = float(history["t"][again[0]] - history["since"][row])
        if waited_s < least_s - TOLERANCE_S:
            findings.append(
                Finding(
                    job,
                    f"job {job} failed at {seconds(history['since'][row])} and was handed out "
                    f"again {waited_s:.3f} s later; its backoff is at least {least_s:.3f} s",
                    (int(row), int(again[0])),
                    least_s - waited_s,
                )
            )
    if not judged_retries:
        return Judged("inconclusive", note="nothing was retried")
    return judged(findings, f"{judged_retries} retries, {len(findings)} too early")
