"""Words that the queue took from a holder whose lease had surely ended.

Where a server has died nobody knows what its clock did meanwhile, and an extension that was not
answered may have been heard: nothing is said of those.
"""

from __future__ import annotations

from ..record.facts import Facts
from ..record.history import Answer, Event
from ..record.once import once
from .lives import Delivery, lives

LATE_S = 0.5  # after the end of a lease: by then whoever counts it has counted it
TAKEN = ("acked", "failed", "permanent", "released")


@once
def late_words(facts: Facts) -> dict[int, list[Delivery]]:
    """Per job its deliveries that were ended by such a word."""
    struck = facts.history.where(Event.FAULT_STRUCK).tolist()
    faults = facts.plan.faults
    if any(faults[facts.history["fault"][row]].strikes_server for row in struck):
        return {}
    late_s, found = LATE_S + facts.claims.timer_s, dict[int, list[Delivery]]()
    unheard = {
        (int(facts.history["job"][row]), int(facts.history["token"][row]))
        for answer in (Answer.NONE, Answer.UNKNOWN, Answer.ERROR)
        for row in facts.rows(Event.EXTEND_ANSWERED, answer).tolist()
    }
    for job, life in lives(facts).items():
        for delivery in life.deliveries:
            if delivery.ending not in TAKEN or (job, delivery.token) in unheard:
                continue
            if delivery.said_at > delivery.until + late_s:
                found.setdefault(job, []).append(delivery)
    return found
