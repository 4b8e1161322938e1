"""Ready jobs handed out: nobody who asks for work is told that there is none while there is.

Judged where both are certain: the job was accepted, handed back or replayed, its delay or its
longest backoff was over, and nobody can have had it; the worker asked for its queue. Then an
answer that there is nothing to do is wrong, and so is one that comes late: whoever waits is woken
when a job becomes ready. ``delays_respected`` judges delays, ``backoff_respected`` retries.
"""

from __future__ import annotations

from ...backends.claims import Claim
from ..finding import Judged, judged, not_judged
from ..record.facts import Facts
from ..record.history import Event
from ..sight import Needs
from ..spec.vain import in_vain, told
from ..spec.waiting import After, time_is_certain, waiting

TITLE = "whoever asks for work is given what is ready"
RANK = 77
NEEDS: Needs = (Event.LEASED, Event.ENQUEUE_ANSWERED, Event.NOTHING_TO_DO)
NEEDS_TIME = True
CLAIMS: tuple[Claim, ...] = ("prompt",)
ALWAYS = True

JUDGED: tuple[After, ...] = ("enqueue", "hand-back", "lost lease", "replay")


def judge(facts: Facts) -> Judged:
    if not time_is_certain(facts):
        return not_judged("a clock was wrong that the queue may go by")
    waits = [w for of_queue in waiting(facts).waits.values() for w in of_queue if w.after in JUDGED]
    if not waits:
        return Judged("inconclusive", note="of no job it is certain that it waited")
    findings = told(facts, in_vain(facts, JUDGED))
    return judged(findings, f"{len(waits)} certain waits, {len(findings)} in vain")
