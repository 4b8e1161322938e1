"""Permanent failures: a job that can never succeed goes to the dead letters at once.

After a failure that the worker called permanent, and the queue took note of, the job is not
handed out again, unless an operator replays it. A retry would only spend what others need.
"""

from __future__ import annotations

from ...backends.claims import Claim
from ..finding import Finding, Judged, judged
from ..record.facts import Facts
from ..record.history import Event
from ..sight import Needs
from ..spec.retries import failures, retries
from ..units import seconds

TITLE = "what cannot succeed is not retried"
RANK = 100
NEEDS: Needs = (Event.LEASED, Event.NACK_ANSWERED)
CLAIMS: tuple[Claim, ...] = ("dead_letters",)
ALWAYS = True


def judge(facts: Facts) -> Judged:
    history, final = facts.history, failures(facts, permanent=True)
    if not len(final):
        return Judged("inconclusive", note="no job failed for good")
    findings = [
        Finding(
            int(history["job"][row]),
            f"job {history['job'][row]} failed for good at {seconds(history['t'][row])} "
            f"and was handed out again at {seconds(history['t'][again])}",
            (row, again),
        )
        for row, again, _ in retries(facts, permanent=True)
    ]
    return judged(findings, f"{len(final)} failures for good, {len(findings)} retried")
