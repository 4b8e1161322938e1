"""How late a busy machine was, where a process of ours should have gone on at once.

A lease that its worker could not extend in time ends, and its job rightly goes to another; a job
that is due waits for a worker that gets no processor. Neither is the queue's mistake. A worker goes
straight from its lease to the job, from the end of the work to the effect, from the effect to the
ack, and where nothing strikes the network or the server its calls are answered at once. What it
took there beyond that is the machine's; in virtual time it is nothing.
"""

from __future__ import annotations

import numpy as np

from ..record.facts import Facts, Flags, Floats
from ..record.history import Answer, Event
from ..record.once import once
from ..units import seconds

SHARE = 1 / 3  # of a lease: whoever is so late twice may lose it


def too_busy(facts: Facts) -> str:
    """In a sentence, why this run cannot tell who is late; "" if it can."""
    late_s = float(_late_s(facts).max(initial=0.0))
    if late_s < SHARE * facts.plan.lease_s:
        return ""
    return (
        f"the machine was too busy: a step that takes no time took {seconds(late_s)}, "
        f"and a lease is {seconds(facts.plan.lease_s)}; run it again where there is less to do"
    )


@once
def _late_s(facts: Facts) -> Floats:
    """What each step took that should have taken nothing."""
    late_s: Floats = np.concatenate([_of_workers(facts), _of_answers(facts)])
    return late_s


def _of_workers(facts: Facts) -> Floats:
    """Steps of one worker: from one row of its own to the next, about the same delivery."""
    history, plan = facts.history, facts.plan
    rows = np.flatnonzero(facts.of_plan & (history["node"] >= 0))
    rows = rows[np.lexsort((rows, history["incarnation"][rows], history["node"][rows]))]
    first, then = rows[:-1], rows[1:]
    same = np.ones(len(first), dtype=bool)
    for column in ("node", "incarnation", "job", "token"):
        same &= history[column][first] == history[column][then]
    first, then = first[same], then[same]
    job, took = history["job"][first], history["t"][then] - history["t"][first]
    service_s = np.array([planned.service_s for planned in plan.jobs])[job]
    unbroken = service_s <= 2 * plan.lease_s / 3  # so short that no lease was extended meanwhile

    def step(one: Event, other: Event) -> Flags:
        found: Flags = (history["event"][first] == one) & (history["event"][then] == other)
        return found

    at_once = step(Event.LEASED, Event.STARTED) | step(Event.EFFECT, Event.ACK_SENT)
    worked = step(Event.STARTED, Event.EFFECT) & unbroken
    late_s: Floats = np.concatenate([took[at_once], (took - service_s)[worked]])
    return late_s


def _of_answers(facts: Facts) -> Floats:
    """Calls about a job in hand, unless something strikes what they pass through."""
    history, plan = facts.history, facts.plan
    if any(fault.on_network or fault.strikes_server for fault in plan.faults):
        return np.zeros(0)
    answers = np.concatenate(
        [facts.rows(event, Answer.OK) for event in (Event.ACK_ANSWERED, Event.EXTEND_ANSWERED)]
    )
    took: Floats = history["t"][answers] - history["since"][answers] - 2 * plan.latency_s
    return took
