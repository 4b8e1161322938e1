"""What a payment API decides: which request is a charge, a repetition, or refused. No I/O.

Every decision is an entry, and entries are all the state there is: whoever kept them can go on
where another process was killed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

CREATED, NOT_IDENTIFIED, OTHER_CHARGE = 201, 400, 422
Outcome = Literal["applied", "repeated", "refused"]


class SinkBehaviour(Struct, frozen=True):
    """How the API treats its clients.

    honour_keys: a key that was seen before brings the first answer again, and no charge.
    slow_s: seconds that every answer waits; a charge is applied when its request arrives.
    refuse_every: every n-th request is refused and charges nothing (0: none, 1: all of them).
    refuse_status: the HTTP status of those.
    hang_every: every n-th request is never answered (0: none, 1: all of them).
    hang: ``after`` the charge was applied, or ``before`` it, so that nothing is charged.
    """

    honour_keys: bool = True
    slow_s: float = 0.0
    refuse_every: int = 0
    refuse_status: int = 503
    hang_every: int = 0
    hang: Literal["after", "before"] = "after"


class Entry(Struct, frozen=True, omit_defaults=True):
    """One request: its number, which charge it asked for, and what became of it.

    ``charge`` is the number of the charge that it made or repeated, 0 if none. ``key`` is the
    idempotency key, empty if there was none.
    """

    number: int
    identifier: str
    outcome: Outcome
    status: int
    key: str = ""
    charge: int = 0
    hangs: bool = False


class Counts(Struct, frozen=True):
    """How many requests there were, and what became of them. ``hanging`` is among the others."""

    requests: int = 0
    applied: int = 0
    repeated: int = 0
    refused: int = 0
    hanging: int = 0


class Payments:
    """The API's memory. ``entries`` are those of an earlier process, to go on with."""

    def __init__(self, behaviour: SinkBehaviour, entries: Iterable[Entry] = ()) -> None:
        self.behaviour = behaviour
        self._first: dict[str, Entry] = {}  # by key: the request that was charged
        self._charges: Counter[str] = Counter()
        self._outcomes: Counter[str] = Counter()
        self._hanging = 0
        for entry in entries:
            self.take(entry)

    def decide(self, identifier: str, key: str) -> Entry:
        """What becomes of the next request. Nothing has happened until it is taken."""
        number, how = self.counts.requests + 1, self.behaviour
        first = self._first.get(key) if key and how.honour_keys else None
        hangs = _is_nth(number, how.hang_every)
        if not identifier:
            return Entry(number, "", "refused", NOT_IDENTIFIED, key)
        if _is_nth(number, how.refuse_every):
            return Entry(number, identifier, "refused", how.refuse_status, key)
        if first and first.identifier != identifier:
            return Entry(number, identifier, "refused", OTHER_CHARGE, key)
        if hangs and how.hang == "before":
            return Entry(number, identifier, "refused", 0, key, hangs=True)
        if first:
            return Entry(number, identifier, "repeated", first.status, key, first.charge, hangs)
        charge = self.counts.applied + 1
        return Entry(number, identifier, "applied", CREATED, key, charge, hangs)

    def take(self, entry: Entry) -> None:
        """It has happened."""
        self._outcomes[entry.outcome] += 1
        self._hanging += entry.hangs
        if entry.outcome == "applied":
            self._charges[entry.identifier] += 1
            if entry.key:
                self._first.setdefault(entry.key, entry)

    @property
    def charges(self) -> Counter[str]:
        """How often each identifier was charged."""
        return self._charges.copy()

    @property
    def counts(self) -> Counts:
        of = self._outcomes
        return Counts(of.total(), of["applied"], of["repeated"], of["refused"], self._hanging)


def _is_nth(number: int, every: int) -> bool:
    return every > 0 and number % every == 0
