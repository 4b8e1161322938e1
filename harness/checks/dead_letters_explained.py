"""Dead letters explained: whatever was given up on lies there with the reason.

An operator who cannot see why cannot mend the cause, and replays blindly or not at all. Each
dead letter must tell a reason, and the very error of a job that failed by its own fault.
"""

from __future__ import annotations

from ..facts import Facts
from ..history import Answer, Event
from .finding import Finding, Judged, judged


def judge(facts: Facts) -> Judged:
    if not facts.claims.dead_letters:
        return Judged("held", note="not judged: the backend does not claim dead letters")
    dead = facts.rows(Event.DEAD)
    if not len(dead):
        return Judged("inconclusive", note="nothing lay in the dead letters")
    history = facts.history
    findings = [
        Finding(
            int(history["job"][row]),
            f"job {history['job'][row]} lies in the dead letters without the reason why",
            (int(row),),
        )
        for row in dead[history["answer"][dead] == Answer.FAILED]
    ]
    return judged(findings, f"{len(dead)} dead letters, {len(findings)} without their reason")
