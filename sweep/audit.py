"""The audit: where a worker dies or an answer is lost, what happens again, and what never does?

Read off the cells in which the worker was killed when a round trip had been answered, and of those
to services also off the ones in which the answer did not arrive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby, pairwise
from typing import NamedTuple

from msgspec import Struct

from ..wires.http1 import NO_KEY, OTHER_KEY
from ..wires.sql import BUILDS, NEW_KEY, NO_CONFLICT, OTHER_VALUES
from .boundaries import Boundary
from .cell import Cell
from .outcome import Outcome
from .swept import Swept

FATES: dict[Outcome, str] = {
    "lost": "the job is lost",
    "cut short": "the job is lost, but all that it does was done",
    "stuck": "the job is held for ever",
    "held": "the job comes back later than the run waited",
    "blocked": "the jobs behind it are never done",
    "dead letter": "the job is given up, and kept as failed",
    "failed": "the job fails, and nothing runs it again",
    "run again": "its function runs to its end again",
}
HALTED: tuple[Outcome, ...] = ("failed", "stuck", "dead letter")
NOTHING = "nothing happens again, and nothing is missing"
BY_KEY = "Send an idempotency key that is made of the job's id."
BY_ONE_KEY = "Make that key of the job's id, which is the same each time."
BY_CONFLICT = (
    "Write it on a key that is made of the job's id, with ON CONFLICT, or note the job's id in the "
    "same transaction."
)
BY_SETTING = "Set a value that does not depend on what is there, or note the job's id with it."
BY_NOTE = "Note the job's id where the effect is kept, and look there first."
BY_ACK = "Acknowledge the job after it ran, not before."
BY_RETRY = "Have the job run again when it raises, which what it does has to bear."
BY_TIMEOUT = "Give that connection a timeout, or the job a time limit."
PREVENTS = {
    NO_KEY: BY_KEY,
    OTHER_KEY: BY_ONE_KEY,
    NO_CONFLICT: BY_CONFLICT,
    NEW_KEY: BY_ONE_KEY,
    BUILDS: BY_SETTING,
    OTHER_VALUES: BY_SETTING,
}


class Answer(Struct, frozen=True):
    """``when`` something breaks, ``what`` follows, and what ``prevents`` it, if that need be."""

    when: str
    what: str
    prevents: str
    outcome: Outcome


class _Place(NamedTuple):
    """What broke at ``boundary``, before the ``later`` one; ``acked``: the job was by then."""

    boundary: Boundary
    later: Boundary | None
    cell: Cell
    acked: bool


def audit(swept: Swept) -> list[Answer]:
    """An answer for each place in which the worker dies, in order of time, then for each answer of
    a service that does not arrive.

    Places that follow on each other with the same answer are one.
    """
    return [
        *_answers(swept, "killed after", _dies, lambda boundary: True),
        *_answers(swept, "reset after", _reset, lambda boundary: bool(boundary.service)),
        *_answers(swept, "answer lost", _silent, lambda boundary: bool(boundary.service)),
    ]


def _answers(
    swept: Swept,
    way: str,
    when: Callable[[list[_Place]], str],
    asked: Callable[[Boundary], bool],
) -> Iterator[Answer]:
    places = [place for place in _places(swept, way) if asked(place.boundary)]
    for (what, prevents, outcome), same in groupby(places, lambda place: _follows(swept, place)):
        yield Answer(when(list(same)), what, prevents, outcome)


def _places(swept: Swept, way: str) -> Iterator[_Place]:
    mine = [boundary for boundary in swept.boundaries if boundary.side == "worker"]
    acked = False
    for boundary, later in pairwise([*mine, None]):
        assert boundary is not None
        acked = acked or boundary.trip.endswith(("HDEL unacked", "ack"))
        cell = swept.cell(boundary.key, way)
        if cell and cell.outcome not in ("not hit", "unproved"):
            yield _Place(boundary, later, cell, acked)


def _dies(places: list[_Place]) -> str:
    first, last = places[0], places[-1]
    before = f" and before {_named(last.later)}" if last.later else ""
    return f"If the worker dies after {_named(first.boundary)} was answered{before}"


def _reset(places: list[_Place]) -> str:
    return f"If the connection is reset in place of the answer to {_all(places)}"


def _silent(places: list[_Place]) -> str:
    return f"If the answer to {_all(places)} never comes"


def _all(places: list[_Place]) -> str:
    return " or ".join(_named(place.boundary) for place in places)


def _named(boundary: Boundary) -> str:
    """``POST /charges (payments)``, and of the second of that name ``(payments, no. 2)``."""
    words = _effect(boundary.trip) if boundary.service else boundary.trip
    if boundary.nth < 2:
        return words
    number = f"no. {boundary.nth}"
    return f"{words[:-1]}, {number})" if boundary.service else f"{words} ({number})"


def _effect(name: str) -> str:
    service, _, words = name.partition(": ")
    return f"{words} ({service})"


def _follows(swept: Swept, place: _Place) -> tuple[str, str, Outcome]:
    """What follows, what prevents it, and how it looks."""
    told = list(dict.fromkeys(_told(swept, place.cell)))
    prevents = " ".join(dict.fromkeys(_prevents(place)))
    return "; ".join(told) or NOTHING, prevents, place.cell.outcome


def _told(swept: Swept, cell: Cell) -> Iterator[str]:
    for one in cell.effects:
        if one.repeated:
            why = f" ({one.harmless})" if one.harmless else f": {one.lacks}"
            yield f"{_effect(one.name)} is carried out {_times(one.times)}{why}"
    if fate := FATES.get(cell.outcome):
        yield fate
    missing = [one.name for one in cell.effects if one.missing]
    done = [name for name in dict.fromkeys(swept.effects) if name not in missing]
    ended = cell.outcome not in ("lost", *HALTED)
    if missing and (done or ended):
        if done:
            yield f"{_list(done)} was carried out by then"
        yield f"{_list(missing)} never is"
    if done and not missing and cell.outcome in HALTED and cell.behind in ("done", "untold"):
        yield "all that it does was done by then"


def _list(names: list[str]) -> str:
    return " and ".join(map(_effect, names))


def _prevents(place: _Place) -> Iterator[str]:
    cell = place.cell
    for one in cell.effects:
        if one.repeated and not one.harmless:
            yield PREVENTS.get(one.lacks, BY_NOTE)
    # A job that runs and is lost was acknowledged, whether or not that was among what was broken.
    if cell.outcome in ("lost", "cut short") and (place.acked or place.boundary.service):
        yield BY_ACK
    if any(one.missing for one in cell.effects):
        if cell.outcome == "failed":
            yield BY_RETRY
        if cell.outcome == "stuck" and place.boundary.service:
            yield BY_TIMEOUT


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"
