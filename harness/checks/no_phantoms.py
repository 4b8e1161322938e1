"""No phantoms: no worker is handed a job that nobody had enqueued by then.

A job whose enqueue was never answered is no phantom: it was sent. One that was refused is. So
is a job of an earlier run on the same queue: all of those were settled.
"""

from __future__ import annotations

from ...backends.claims import Claim
from ..finding import Finding, Judged, judged
from ..record.facts import Facts
from ..record.history import Event
from ..sight import HAND_OVER, Needs
from ..units import seconds

TITLE = "nothing runs that nobody enqueued"
RANK = 40
NEEDS: Needs = (Event.ENQUEUE_SENT, HAND_OVER)
ALWAYS = True
CERTAIN = True
EXCUSED_BY: tuple[Claim, ...] = ()


def judge(facts: Facts) -> Judged:
    history = facts.history
    where = " in this round: one of an earlier round, or none" if facts.plan.label else ""
    findings = [
        Finding(
            int(history["job"][i]),
            f"worker {int(history['node'][i]) + 1} was handed a job at {seconds(history['t'][i])} "
            f"that nobody had enqueued{where}",
            (int(i),),
        )
        for i in facts.phantoms
    ]
    return judged(findings, f"{len(findings)} deliveries of unknown jobs")
