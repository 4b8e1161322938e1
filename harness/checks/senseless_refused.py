"""Senseless refused: a command that makes no sense is refused, and changes nothing.

A job that allows no delivery, a pause without end, the ack of somebody who has no job: a plan lets
somebody say such things while the others work (:mod:`..plan.senseless`). A queue that takes one
holds what it cannot carry out, or believes whoever speaks. Each is judged by the claims that it
relies on: a queue without priorities need not see that one is too high.
"""

from __future__ import annotations

from ...backends.claims import Claim, unclaimed
from ..finding import Finding, Judged, judged
from ..plan.senseless import ALL_NAMES, relied_on
from ..record.facts import Facts
from ..record.history import Answer, Event
from ..sight import Needs
from ..units import seconds

TITLE = "what makes no sense is refused"
RANK = 39  # before the jobs that come of it: see no_phantoms
NEEDS: Needs = (Event.SENSELESS_ANSWERED,)
ALWAYS = True
EXCUSED_BY: tuple[Claim, ...] = ()


def judge(facts: Facts) -> Judged:
    history, findings, looked_at = facts.history, list[Finding](), 0
    for row in history.where(Event.SENSELESS_ANSWERED).tolist():  # most are of no job of the plan
        name, job = ALL_NAMES[int(history["key"][row])], int(history["job"][row])
        if unclaimed(facts.claims, relied_on(name)):
            continue
        looked_at += 1
        if history["answer"][row] == Answer.OK:
            about = f" (job {job})" if job >= 0 else ""
            sentence = f"{name}{about} was accepted at {seconds(history['t'][row])}"
            findings.append(Finding(job, sentence, (row,)))
    if not looked_at:
        return Judged("inconclusive", note="nobody said what makes no sense")
    return judged(findings, f"{looked_at} senseless commands answered, {len(findings)} accepted")
