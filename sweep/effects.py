"""What a job did to the services that it calls, as the wire shows it, without any oracle.

An effect is a round trip to a service that was answered, not refused, and that writes. What a
database was told within a transaction is one only when that is committed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter
from typing import NamedTuple

from msgspec import Struct

from ..harness.drivers.trips import Trip
from ..wires.wire import UNGUARDED, Guard

NO_CHANGE = "the second time it changed nothing"
BEGINS, COMMITS, ROLLS_BACK = ("BEGIN", "START TRANSACTION"), ("COMMIT",), ("ROLLBACK",)


class Effect(NamedTuple):
    """``guard``: by what the service can tell that it was asked before, if by anything.

    ``changed``: False if the service answered that all was so before.
    """

    name: str
    guard: Guard = UNGUARDED
    changed: bool = True


class Difference(Struct, frozen=True):
    """Of one effect: how often it was carried out for the struck job, and how often it should be.

    ``harmless``: why it may come again; "": it may not, since it ``lacks`` something.
    """

    name: str
    times: int
    wanted: int
    harmless: str = ""
    lacks: str = ""

    @property
    def repeated(self) -> bool:
        return self.times > self.wanted

    @property
    def missing(self) -> bool:
        return self.times < self.wanted


def effects(trips: Iterable[Trip]) -> list[Effect]:
    """Those that were carried out, in order of time."""
    return [effect for _, effect in sorted(_committed(trips), key=itemgetter(0))]


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
        if not trip.refused and not trip.guard.reads:
            name = " + ".join(w for w in words if not w.startswith((*BEGINS, *COMMITS)))
            effect = Effect(f"{trip.service}: {name}", trip.guard, trip.changed)
            if pending is None:
                yield trip.answered_s, effect
            else:
                pending.append(effect)
        if any(word.startswith(COMMITS) for word in words) and not trip.refused:
            yield from ((trip.answered_s, effect) for effect in pending or [])
            open_in[where] = None
        if any(word.startswith(ROLLS_BACK) for word in words):
            open_in[where] = None


def differences(
    clean: Iterable[str], here: list[Effect], behind: Mapping[str, int]
) -> tuple[Difference, ...]:
    """What of a run's effects differs from a clean run's, for its first job.

    ``behind``: how often each effect was carried out for the jobs behind it.
    """
    wanted = Counter(clean)
    found = Counter(effect.name for effect in here)
    told = []
    for name in dict.fromkeys([*wanted, *found]):
        due = wanted[name] + behind.get(name, 0)
        if found[name] != due:
            same = [effect for effect in here if effect.name == name]
            times = found[name] - due + wanted[name]
            why = _judged(same, due) if found[name] > due else ("", "")
            told.append(Difference(name, times, wanted[name], *why))
    return tuple(told)


def _judged(same: list[Effect], due: int) -> tuple[str, str]:
    """Why what came again does no harm, as far as the wire shows it; else what it lacks."""
    changed = [effect.guard for effect in same if effect.changed]
    why = next((effect.guard.why for effect in same), "")
    if len(changed) <= due:
        return ", and ".join(filter(None, (why, NO_CHANGE))), ""
    if lacking := [guard.lacks for guard in changed if not guard.why]:
        return "", lacking[0]
    if len({guard.key for guard in changed}) > due:
        return "", changed[0].lacks
    return why, ""
