"""The ways in which a round trip is broken: the rows of the picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..harness.faults.break_trip import BreakTrip
from ..harness.faults.fault import TripFault
from ..harness.faults.fields import TripEffect, TripMoment
from ..harness.faults.kill_at_trip import KillAtTrip
from .boundaries import Boundary

LATE_S = 150.0  # beyond the 120 s for which Celery waits for an answer of its results
DARK_S = 60.0


class Way(NamedTuple):
    """``name`` is its row; ``tells``: whoever is short of time tries the lowest first.

    ``fits`` says which round trips can be broken so at all.
    """

    name: str
    tells: int
    does: str
    fault: Callable[[Boundary], TripFault]
    fits: Callable[[Boundary], bool] = lambda boundary: True


def _killed(moment: TripMoment) -> Callable[[Boundary], TripFault]:
    return lambda b: KillAtTrip(b.side, b.trip, moment, b.nth)


def _broken(how: TripEffect, for_s: float = 0.0) -> Callable[[Boundary], TripFault]:
    return lambda b: BreakTrip(b.side, b.trip, how, b.nth, for_s)


WAYS = (
    Way("killed before", 1, "who asks is killed before the request passes", _killed("before")),
    Way("killed after", 0, "who asks is killed before the answer passes", _killed("after")),
    Way("reset before", 3, "the connection is reset before the request passes",
        _broken("reset_before")),
    Way("reset after", 2, "the connection is reset in place of the answer", _broken("reset_after")),
    Way("request lost", 5, "the request never arrives, and the connection is silent for good",
        _broken("lose_request")),
    Way("answer lost", 4, "the answer never comes, and the connection is silent for good",
        _broken("lose_reply")),
    Way("answer late", 6, f"the answer comes {LATE_S:g} s later", _broken("late", LATE_S)),
    Way("silence", 7, f"from the request on nothing of the node passes for {DARK_S:g} s",
        _broken("dark", DARK_S)),
    Way("delivered twice", 8, "the request arrives a second time behind the first, and only the "
        "first answer comes back", _broken("twice"), lambda b: b.bears_twice and b.nth > 0),
)  # fmt: skip


def ways_of(boundary: Boundary) -> tuple[Way, ...]:
    """Those in which that round trip can be broken."""
    return tuple(way for way in WAYS if way.fits(boundary))


def way(name: str) -> Way:
    """The way of that name. Raises KeyError."""
    return {found.name: found for found in WAYS}[name]
