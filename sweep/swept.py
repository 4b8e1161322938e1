"""A whole sweep as plain data: what a page, a terminal and a machine are told."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from .boundaries import Boundary
from .cell import Cell
from .outcome import LOOKS
from .ways import ways_of


class Swept(Struct, frozen=True):
    """The sweep of one task of one app.

    ``boundaries`` are those that were to be broken, in order of time; ``opening`` are left out,
    since they only open connections. ``effects`` are what an unbroken job does to services.
    ``wanted``: how many cells there are. ``waited_s``: for how long a cell waited for what comes
    back by itself, which takes the library ``recovery_s``. ``began``, in UTC, and ``host``: when
    and where, if a command swept.
    """

    app: str
    task: str
    library: str
    settings: dict[str, str]
    options: str
    boundaries: tuple[Boundary, ...]
    opening: tuple[Boundary, ...]
    effects: tuple[str, ...]
    clean_s: float
    cells: tuple[Cell, ...]
    recovery_s: float
    recovery_why: str
    waited_s: float
    real_s: float
    time: str
    began: str = ""
    host: str = ""

    @property
    def wanted(self) -> int:
        return sum(len(ways_of(boundary)) for boundary in self.boundaries)

    @property
    def complete(self) -> bool:
        return len(self.cells) == self.wanted

    def cell(self, boundary: str, way: str) -> Cell | None:
        """That cell, if it was run."""
        return next((cell for cell in self.cells if cell.key == (boundary, way)), None)

    @property
    def findings(self) -> list[Cell]:
        """Cells in which work was lost or stood still, in order of time."""
        return self._of("violated")

    @property
    def told(self) -> list[Cell]:
        """Cells in which nothing was lost and that are worth a word all the same."""
        return self._of("told")

    @property
    def unproved(self) -> list[Cell]:
        return self._of("inconclusive")

    def _of(self, gravity: str) -> list[Cell]:
        return [cell for cell in self.ordered() if LOOKS[cell.outcome].gravity == gravity]

    def ordered(self) -> Iterable[Cell]:
        """The cells by boundary, in order of time, then by way."""
        for boundary in self.boundaries:
            for way in ways_of(boundary):
                if cell := self.cell(boundary.key, way.name):
                    yield cell
