"""What was new in a run: in which orders round trips came, and which could be struck next. Pure.

A round trip is known by who asks and by its name, so that two runs can be compared whose numbers
and identifiers differ. The idle loop counts only where it carries a job.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from msgspec.structs import replace

from ...harness.drivers.trips import Trip
from ..boundaries import BEAT, OPENS, Boundary
from ..outcome import Outcome

ANEW = "|"  # between two of different nodes: another worker, or the producer


def orders(trips: Iterable[Trip], idle: Collection[str]) -> set[str]:
    """Three round trips in a row of one job, and two in a row of the whole run."""
    told = sorted(_of_jobs(trips, idle), key=lambda trip: trip.asked_s)
    found = {_row("run", pair) for pair in itertools.pairwise(told)}
    of_job = defaultdict[int, list[Trip]](list)
    for trip in told:
        for job in {*trip.asks, *trip.brings}:
            of_job[job].append(trip)
    for mine in of_job.values():
        found |= {_row("job", three) for three in zip(mine, mine[1:], mine[2:], strict=False)}
    return found


def ends(struck: Iterable[str], outcomes: Iterable[Outcome]) -> set[str]:
    """Which strikes met which outcomes in one run."""
    return {f"{name} -> {outcome}" for name in struck for outcome in outcomes}


def places(trips: Iterable[Trip], idle: Collection[str], began_s: float) -> tuple[Boundary, ...]:
    """What passed since the run began and may be struck, each of its name by its ordinal."""
    seen = Counter[tuple[str, str]]()
    found = dict[Boundary, None]()
    for trip in sorted(trips, key=lambda trip: trip.asked_s):
        if trip.asked_s < began_s:
            continue
        seen[trip.side, trip.name] += 1
        if _counts(trip, idle):
            nth = seen[trip.side, trip.name]
            place = Boundary(trip.side, trip.name, nth, wire=trip.wire, service=trip.service)
            found[replace(place, bears_twice=trip.bears_twice)] = None
    return tuple(found)


def _of_jobs(trips: Iterable[Trip], idle: Collection[str]) -> Iterator[Trip]:
    return (trip for trip in trips if _counts(trip, idle))


def _counts(trip: Trip, idle: Collection[str]) -> bool:
    """Whether it is neither of the idle loop nor of the opening of a connection."""
    if trip.asks or trip.brings:
        return True
    opens = OPENS.issuperset(trip.name.removeprefix(f"{trip.service}: ").split(" + "))
    return trip.name not in idle and trip.name != BEAT and not opens


def _row(of: str, trips: Sequence[Trip]) -> str:
    words = [of, trips[0].side, _word(trips[0])]
    for before, trip in itertools.pairwise(trips):
        words += [ANEW if trip.node != before.node else ">", _word(trip)]
    return " ".join(words)


def _word(trip: Trip) -> str:
    return trip.name if trip.answered_s >= 0.0 else f"{trip.name} (unanswered)"
