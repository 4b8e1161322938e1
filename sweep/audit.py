"""The audit: if the worker dies between two round trips, what happens again, and what never does?

Read off the cells in which the worker was killed when a round trip had been answered.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, pairwise
from typing import NamedTuple

from msgspec import Struct

from .boundaries import Boundary
from .cell import Cell
from .effects import Difference
from .outcome import Outcome
from .swept import Swept

DIES = "killed after"
FATES: dict[Outcome, str] = {
    "lost": "the job is lost",
    "stuck": "the job is held for ever",
    "held": "the job comes back later than the run waited",
    "blocked": "the jobs behind it are never done",
    "dead letter": "the job is given up, and kept as failed",
    "failed": "the job fails, and nothing runs it again",
    "run again": "its function runs to its end again",
}
BY_KEY = "Send an idempotency key that is made of the job's id."
BY_CONFLICT = (
    "Write it on a key that is made of the job's id, with ON CONFLICT, or note the job's id in the "
    "same transaction."
)
BY_ACK = "Acknowledge the job after it ran, not before."


class Answer(Struct, frozen=True):
    """``when`` the worker dies, ``what`` follows, and what ``prevents`` it; "": nothing need be."""

    when: str
    what: str
    prevents: str
    outcome: Outcome


def audit(swept: Swept) -> list[Answer]:
    """An answer for each place in which the worker was killed, in order of time.

    Places that follow on each other with the same answer are one.
    """
    mine = [boundary for boundary in swept.boundaries if boundary.side == "worker"]
    places = [
        _Place(boundary, later, cell)
        for boundary, later in pairwise([*mine, None])
        if boundary is not None
        and (cell := swept.cell(boundary.key, DIES))
        and cell.outcome not in ("not hit", "unproved")
    ]
    return [_answer(list(same)) for _, same in groupby(places, _follows)]


class _Place(NamedTuple):
    """The worker was killed after ``boundary`` was answered, and before the ``later`` one."""

    boundary: Boundary
    later: Boundary | None
    cell: Cell


def _follows(place: _Place) -> tuple[str, str, Outcome]:
    """What follows, what prevents it, and how it looks."""
    told = list(dict.fromkeys(_told(place.cell)))
    what = "; ".join(told) or "nothing happens again, and nothing is missing"
    return what, " ".join(dict.fromkeys(_prevents(place.cell))), place.cell.outcome


def _answer(places: list[_Place]) -> Answer:
    first, last = places[0], places[-1]
    before = f" and before {last.later.label} was sent" if last.later else ""
    when = f"If the worker dies after {first.boundary.label} was answered{before}"
    return Answer(when, *_follows(first))


def _told(cell: Cell) -> Iterator[str]:
    for one in cell.effects:
        if one.repeated:
            why = one.harmless or "nothing in it tells that it comes again"
            yield f"{one.name} is carried out {_times(one.times)} ({why})"
    if fate := FATES.get(cell.outcome):
        yield fate
    for one in cell.effects:
        if one.missing and cell.outcome != "lost":
            yield f"{one.name} never happens"


def _prevents(cell: Cell) -> Iterator[str]:
    for one in cell.effects:
        if one.repeated and not one.harmless:
            yield BY_CONFLICT if _is_sql(one) else BY_KEY
    if cell.outcome == "lost" and cell.boundary.endswith(("HDEL unacked", "ack")):
        yield BY_ACK


def _is_sql(one: Difference) -> bool:
    verb = one.name.partition(": ")[2].partition(" ")[0]
    return verb in ("INSERT", "UPDATE", "DELETE", "MERGE", "COPY")


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"
