"""When a node's connection to the queue may have broken, by what is known of the run.

A fault of the network or a crash of the server may have broken it, whomever it met, and so may a
call that nobody answered in time: whoever gives up waiting connects anew. A call that was sent
more than once was given up between the first attempt and the answer.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from functools import cached_property
from math import inf

from ...protocol.repeat import DEFAULT
from .facts import Facts
from .history import Answer, Event

ANSWERED = (
    Event.ACK_ANSWERED,
    Event.NACK_ANSWERED,
    Event.RELEASE_ANSWERED,
    Event.EXTEND_ANSWERED,
)
EVERY_NODE = (-1, -1)


class Broken:
    """The moments at which the connections of a run may have broken."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def first(self, node: int, incarnation: int, since_s: float) -> float:
        """The first one of that node's from then on; infinite if there is none."""
        return min(_first(self._moments[of], since_s) for of in (EVERY_NODE, (node, incarnation)))

    @cached_property
    def _moments(self) -> dict[tuple[int, int], list[float]]:
        history, found = self._facts.history, defaultdict[tuple[int, int], list[float]](list)
        faults = self._facts.plan.faults
        for row in history.where(Event.FAULT_STRUCK).tolist():
            fault = faults[history["fault"][row]]
            if fault.on_network or fault.strikes_server:
                found[EVERY_NODE].append(float(history["t"][row]))
        for event in ANSWERED:
            for row in self._facts.rows(event).tolist():
                sent = float(history["since"][row])
                repeated = history["t"][row] - sent >= DEFAULT.pause_s
                if repeated or history["answer"][row] == Answer.UNKNOWN:
                    found[_who(history["node"][row], history["incarnation"][row])].append(sent)
        return defaultdict(list, {of: sorted(moments) for of, moments in found.items()})


def _who(node: int, incarnation: int) -> tuple[int, int]:
    return int(node), int(incarnation)


def _first(moments: list[float], since_s: float) -> float:
    place = bisect_left(moments, since_s)
    return moments[place] if place < len(moments) else inf
