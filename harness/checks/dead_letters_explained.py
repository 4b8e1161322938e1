"""Dead letters explained: whatever was given up on lies there with the reason.

An operator who cannot see why cannot mend the cause, and replays blindly or not at all. Each
dead letter must tell a reason, and the very error of a job that died by its own fault: it failed
for good, or its last delivery failed, and nobody can have been handed it since. Whoever was
replayed after that may have died of something else.
"""

from __future__ import annotations

import numpy as np

from ...backends.claims import Claim
from ..finding import Finding, Judged, judged
from ..record.excuses import OF_DELIVERIES
from ..record.facts import Facts, Ints
from ..record.history import Answer, Event
from ..sight import Needs
from ..spec.asking import asking, shortest_s
from ..spec.lives import lives
from ..spec.retries import failures
from ..spec.waiting import mixed_up

TITLE = "dead letters tell why"
RANK = 110
NEEDS: Needs = (Event.DEAD,)
CLAIMS: tuple[Claim, ...] = ("dead_letters",)
EXCUSED_BY: tuple[Claim, ...] = (*OF_DELIVERIES, "bounded_deliveries")
ALWAYS = True


def judge(facts: Facts) -> Judged:
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
        for row in _unexplained(facts, dead)
    ]
    return judged(findings, f"{len(dead)} dead letters, {len(findings)} without their reason")


def _unexplained(facts: Facts, dead: Ints) -> Ints:
    """The dead letters without any reason, and those that died for good and tell another one."""
    history = facts.history
    answers, jobs = history["answer"][dead], history["job"][dead]
    final = failures(facts, permanent=True)
    replayed = facts.rows(Event.REPLAY_SENT)
    last_words = np.full(facts.jobs, -np.inf)
    np.maximum.at(last_words, history["job"][final], history["since"][final])
    replayed_at = np.full(facts.jobs, -np.inf)
    np.maximum.at(replayed_at, history["job"][replayed], history["t"][replayed])
    by_itself = (last_words > replayed_at)[jobs] | np.array(
        [_failed_last(facts, int(job)) for job in jobs], dtype=bool
    )
    wrong = (answers == Answer.FAILED) | ((answers == Answer.UNKNOWN) & by_itself)
    rows: Ints = dead[wrong]
    return rows


def _failed_last(facts: Facts, job: int) -> bool:
    """Whether it surely died of its last failure, of which the queue took note."""
    life = lives(facts).get(job)
    last = life.deliveries[-1] if life and life.deliveries else None
    if life is None or last is None or last.ending not in ("failed", "permanent"):
        return False
    if any(replay.sent_at >= last.at for replay in life.replays) or job in mixed_up(facts):
        return False
    astray = asking(facts).astray[facts.plan.jobs[job].queue]
    return not astray.between(last.at, facts.ended_at - shortest_s(facts, job))
