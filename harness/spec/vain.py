"""Waits in vain: a job surely waited while a worker surely asked for one, and was given nothing.

Either the worker asked after the job was ready and was told that there is nothing; or both
waited for each other, longer than a prompt queue needs. How long that may be is measured by the
run itself: a machine that is slow to answer any call may be slow to wake whoever waits.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from ..faults.fault import LinkFault
from ..finding import Finding
from ..record.facts import Facts
from ..record.history import Answer, Event
from ..record.story import node_name
from ..units import seconds
from .asking import Ask, asking, linger_s
from .waiting import After, Wait, waiting

PROMPT_S = 0.25  # within which a queue serves whoever waits
LAGS = 50.0  # and what a busy machine may add, as a multiple of what it added elsewhere


SINCE: dict[After, str] = {
    "enqueue": "had been accepted",
    "hand-back": "had been handed back",
    "lost lease": "was ready again after a lost lease",
    "replay": "had been replayed",
    "retry": "was ready again after its backoff",
    "delay": "was due",
}


class Vain(NamedTuple):
    """The job surely waited while a worker surely asked, in that row, and was given nothing.

    ``for_s`` seconds: how long it had waited when the worker asked, or how long both waited.
    """

    wait: Wait
    ask: Ask
    for_s: float


def lag_s(facts: Facts) -> float:
    """How slow this run was at its worst, by its quickest kind of calls: an answer's way."""
    history, worst = facts.history, 0.0
    for event in (Event.ENQUEUE_ANSWERED, Event.ACK_ANSWERED, Event.NACK_ANSWERED):
        rows = facts.rows(event, Answer.OK)
        if len(rows):
            worst = max(worst, float((history["t"][rows] - history["since"][rows]).max()))
    return worst


def in_vain(facts: Facts, after: Iterable[After]) -> list[Vain]:
    """Of the waits that began so: those that a worker's ask should have ended, one for each ask."""
    kinds, found = frozenset(after), list[Vain]()
    if not facts.claims.prompt:
        return found
    asked, slack_s = asking(facts).asks, PROMPT_S + LAGS * lag_s(facts)
    struck = _struck(facts)
    for queue, of_queue in waiting(facts).waits.items():
        waits = [wait for wait in of_queue if wait.after in kinds]
        if waits:
            asks = asked.get(queue, [])
            refused = [ask for ask in asks if ask.got is None]
            patient = [
                ask
                for ask in asks
                if ask.at - ask.since > slack_s and not struck(ask.node, ask.since, ask.at)
            ]
            found += _told_nothing(waits, refused) + _both_waited(waits, patient, slack_s)
    return found


def _told_nothing(waits: list[Wait], asks: list[Ask]) -> list[Vain]:
    """Asks that were sent when a job was ready, and answered with nothing before it was taken."""
    longest, found = _Longest(waits, [wait.until for wait in waits]), []
    for ask in asks:
        wait = longest.begun_by(ask.since - PROMPT_S)
        if wait and wait.until >= ask.at:
            found.append(Vain(wait, ask, ask.since - wait.since))
    return found


def _both_waited(waits: list[Wait], asks: list[Ask], slack_s: float) -> list[Vain]:
    waits = [wait for wait in waits if wait.handed_at - wait.since > slack_s]
    longest, found = _Longest(waits, [wait.handed_at for wait in waits]), []
    for ask in asks:
        wait = longest.begun_by(ask.at - slack_s)
        if wait and min(wait.handed_at, ask.at) - max(wait.since, ask.since) > slack_s:
            both_s = min(wait.handed_at, ask.at) - max(wait.since, ask.since)
            found.append(Vain(wait, ask, both_s))
    return found


class _Longest:
    """Of waits in the order of their beginnings: which of those before a time ends the last."""

    def __init__(self, waits: list[Wait], ends: list[float]) -> None:
        self._since = [wait.since for wait in waits]
        last, self._last = 0, list[Wait]()
        for place in range(len(waits)):
            last = place if ends[place] >= ends[last] else last
            self._last.append(waits[last])

    def begun_by(self, at: float) -> Wait | None:
        place = bisect_right(self._since, at)
        return self._last[place - 1] if place else None


def _struck(facts: Facts) -> Callable[[int, float, float], bool]:
    """Whether a fault held the worker or its link up between two times."""
    history = facts.history
    spans: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for row in history.where(Event.FAULT_STRUCK).tolist():
        at, node = float(history["t"][row]), int(history["node"][row])
        spans[node].append((at, at + float(history["value"][row])))
    links = [fault for fault in facts.plan.faults if isinstance(fault, LinkFault)]
    spans[-1] += [(fault.at_s, fault.at_s + fault.lasts_s + linger_s(facts)) for fault in links]

    def struck(node: int, since: float, until: float) -> bool:
        return any(a <= until and b >= since for n in (node, -1) for a, b in spans.get(n, ()))

    return struck


def told(facts: Facts, found: list[Vain]) -> list[Finding]:
    """One finding for each job that waited in vain, about its worst wait."""
    worst: dict[int, Vain] = {}
    for vain in found:
        held = worst.setdefault(vain.wait.job, vain)
        if vain.for_s > held.for_s:
            worst[vain.wait.job] = vain
    return [Finding(job, _sentence(facts, v), _rows(v), v.for_s) for job, v in worst.items()]


def _rows(vain: Vain) -> tuple[int, int]:
    return vain.wait.row, vain.ask.row


def _sentence(facts: Facts, vain: Vain) -> str:
    wait, ask = vain.wait, vain.ask
    who = node_name(facts, ask.node)
    since = f"job {wait.job} {SINCE[wait.after]} at {seconds(wait.since)}"
    asked = f"{who} asked for work at {seconds(ask.since)}"
    if ask.got is None and ask.since > wait.since:
        return f"{since}; {asked}, and was told that there is none"
    return f"{since}; {asked}, and both waited for {seconds(vain.for_s)}"
