"""The page of a sweep: the clean run as a sequence, the grid, what broke, each cell's story.

It reads whole without scripts and without styles. Every outcome has a shape and a colour, so that
neither alone has to tell it. Nothing is computed here but what stands where.
"""

from __future__ import annotations

from typing import NamedTuple

from ...known import Differences
from ...sweep.audit import audit
from ...sweep.boundaries import Boundary
from ...sweep.cell import Cell
from ...sweep.expected import Expected
from ...sweep.outcome import LOOKS, Look, Outcome
from ...sweep.swept import Swept
from ...sweep.ways import WAYS, Way
from ..offline import own_text, page_of
from .words import conditions, counts, headline


class Shown(NamedTuple):
    """A cell with its place: ``anchor`` names its story on the page; ``known`` why it may be so."""

    anchor: str
    boundary: Boundary
    way: Way
    cell: Cell | None
    look: Look | None
    known: str

    @property
    def absent(self) -> str:
        """Why there is no cell, where there is none."""
        return "not run" if self.way.fits(self.boundary) else "its protocol cannot bear that"

    @property
    def text(self) -> str:
        """For whoever cannot see the shape."""
        outcome = self.cell.outcome if self.cell else self.absent
        return f"{self.boundary.label}, {self.way.name}: {outcome}"


class Key(NamedTuple):
    outcome: Outcome
    look: Look
    times: int


def page(swept: Swept, expected: Expected | None = None, differs: Differences | None = None) -> str:
    """One self-contained page; every text in it is escaped.

    ``expected`` and what ``differs`` from it are told first, where they are given.
    """
    columns = [
        [_shown(swept, number, boundary, row, way, expected) for row, way in enumerate(WAYS)]
        for number, boundary in enumerate(swept.boundaries, 1)
    ]
    broken = [shown for column in columns for shown in column if _is(shown, "violated")]
    return page_of(
        "sweep.html",
        [own_text("sweep.css")],
        swept=swept,
        headline=headline(swept),
        look="violated" if broken else "held" if swept.complete else "inconclusive",
        conditions=conditions(swept),
        differs=differs,
        broken=broken,
        told=[shown for column in columns for shown in column if _is(shown, "told")],
        columns=columns,
        rows=list(zip(WAYS, zip(*columns, strict=True), strict=True)) if columns else [],
        answers=audit(swept),
        services=any(boundary.service for boundary in swept.boundaries),
        keys=[Key(outcome, LOOKS[outcome], count) for outcome, count in counts(swept).items()],
        looks=LOOKS,
    )


def _shown(
    swept: Swept, number: int, boundary: Boundary, row: int, way: Way, expected: Expected | None
) -> Shown:
    cell = swept.cell(boundary.key, way.name)
    known = expected.of_cell(boundary.key, way.name) if expected else None
    why = known.reason if cell and known and known.outcome == cell.outcome else ""
    look = LOOKS[cell.outcome] if cell else None
    return Shown(f"c{number}-{row + 1}", boundary, way, cell, look, why)


def _is(shown: Shown, gravity: str) -> bool:
    return shown.look is not None and shown.look.gravity == gravity
