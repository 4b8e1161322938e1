"""What a job did to the services that it calls, as the wire shows it, without any oracle.

An effect is a round trip to a service that was answered, not refused, and that writes. What a
database was told within a transaction is one only when that is committed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from msgspec import Struct

from ..harness.drivers.trips import Trip

READS = ("GET,", "HEAD,", "OPTIONS,", "nothing is written")  # as the guards of the wires begin
KEY = "Idempotency-Key"
BEGINS, COMMITS, ROLLS_BACK = ("BEGIN", "START TRANSACTION"), ("COMMIT",), ("ROLLBACK",)


class Effect(NamedTuple):
    """``guard``: by what the service can tell that it was asked before; "": by nothing."""

    name: str
    guard: str


class Difference(Struct, frozen=True):
    """Of one effect: how often it was carried out for the struck job, and how often it should be.

    ``harmless``: why it may come again; "": nothing in it tells that it does.
    """

    name: str
    times: int
    wanted: int
    harmless: str = ""

    @property
    def repeated(self) -> bool:
        return self.times > self.wanted

    @property
    def missing(self) -> bool:
        return self.times < self.wanted


def effects(trips: Iterable[Trip]) -> list[Effect]:
    """Those that were carried out, in order of time."""
    return [effect for _, effect in sorted(_committed(trips))]


def _committed(trips: Iterable[Trip]) -> Iterator[tuple[float, Effect]]:
    """With the times at which they came to be."""
    open_in: dict[tuple[int, str, int], list[Effect] | None] = {}
    for trip in sorted(trips, key=lambda trip: trip.asked_s):
        if not trip.service or trip.answered_s < 0.0:
            continue
        where = trip.node, trip.service, trip.connection
        words = trip.name.removeprefix(f"{trip.service}: ").split(" + ")
        if any(word.startswith(BEGINS) for word in words):
            open_in[where] = []
        pending = open_in.get(where)
        if not trip.refused and not trip.guard.startswith(READS):
            name = " + ".join(w for w in words if not w.startswith((*BEGINS, *COMMITS)))
            effect = Effect(f"{trip.service}: {name}", trip.guard)
            if pending is None:
                yield trip.answered_s, effect
            else:
                pending.append(effect)
        if any(word.startswith(COMMITS) for word in words) and not trip.refused:
            yield from ((trip.answered_s, effect) for effect in pending or [])
            open_in[where] = None
        if any(word.startswith(ROLLS_BACK) for word in words):
            open_in[where] = None


def differences(clean: Iterable[str], here: list[Effect], jobs_done: int) -> tuple[Difference, ...]:
    """What of a run's effects differs from a clean run's, for its first job.

    ``jobs_done``: how many other jobs had all their effects in that run.
    """
    wanted = Counter(clean)
    found = Counter(effect.name for effect in here)
    told = []
    for name in dict.fromkeys([*wanted, *found]):
        times = found[name] - jobs_done * wanted[name]
        if times != wanted[name]:
            guards = [effect.guard for effect in here if effect.name == name]
            told.append(Difference(name, times, wanted[name], _harmless(guards, jobs_done)))
    return tuple(told)


def _harmless(guards: list[str], jobs_done: int) -> str:
    """Why what came again does no harm, as far as the wire shows it."""
    keys = {guard for guard in guards if guard.startswith(KEY)}
    if not all(guards) or len(keys) > jobs_done + 1:
        return ""
    return f"with the same {KEY}" if keys else guards[0]
