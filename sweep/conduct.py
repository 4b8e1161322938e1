"""Runs the cells of a sweep: the most telling first, several at once, each on a server of its own.

A run belongs to the main thread of a process, so each of the processes here runs one cell at a
time.
"""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Sequence
from math import inf
from pathlib import Path
from typing import NamedTuple

from ..backends.system import Time
from ..frameworks.system import AppSystem
from ..harness.confirm import CONFIRM_S
from ..kept import Kept
from ..pools import as_done, end_with_parent, spawned
from .boundaries import Boundary
from .cell import Cell, run_cell
from .ways import Way, ways_of

GUESS_S = 6.0  # what a cell takes, before one is done


class Progress(NamedTuple):
    """How far it is; ``left_s``: how long the rest will take, by what is done."""

    done: int
    wanted: int
    left_s: float
    last: Cell | None


class Asked(NamedTuple):
    """What all cells have in common; see :func:`.cell.run_cell`."""

    system: AppSystem
    waits_s: float
    time: Time | None
    clean: tuple[str, ...]
    behind: tuple[str, ...]
    confirm_s: float
    histories: Path | None


Work = tuple[Boundary, Way]
_here: list[Asked] = []  # in a process of the pool


def in_order(boundaries: Sequence[Boundary]) -> list[Work]:
    """All cells, the most telling first: a kill before a delay, the job's own round trips before
    those that only accompany it, and those before what only opens connections.
    """
    cells = [(boundary, way) for boundary in boundaries for way in ways_of(boundary)]
    return sorted(cells, key=lambda cell: (cell[0].opens, cell[1].tells, not cell[0].carries))


def conduct(
    system: AppSystem,
    boundaries: Sequence[Boundary],
    kept: Kept[Cell],
    waits_s: float,
    *,
    clean: Sequence[str] = (),
    behind: Sequence[str] = (),
    time: Time | None = None,
    parallel: int = 2,
    budget_s: float = inf,
    confirm_s: float = CONFIRM_S,
    histories: Path | None = None,
    stopped: Callable[[], bool] = lambda: False,
    tell: Callable[[Progress], None] = lambda progress: None,
) -> list[Cell]:
    """Run what is not kept yet, within ``budget_s`` seconds; all cells that are known then.

    ``clean``, ``behind``, ``confirm_s`` and ``histories`` are as in :func:`.cell.run_cell`.
    What was begun within the budget is finished; nothing begins once ``stopped()``.
    """
    asked = Asked(system, waits_s, time, tuple(clean), tuple(behind), confirm_s, histories)
    work = in_order(boundaries)
    left = [(b, way) for b, way in work if (b.key, way.name) not in kept.cells]
    wanted, until_s = len(work), clock.monotonic() + budget_s
    tell(_progress(kept, wanted, len(left), parallel, None))
    if left:
        named = ((boundary, way.name) for boundary, way in left)
        with spawned(min(parallel, len(left)), _begin, asked) as pool:
            for cell in as_done(pool, _run, named, parallel, until_s, stopped):
                kept.add(cell)
                tell(_progress(kept, wanted, wanted - _known(work, kept), parallel, cell))
    return [kept.cells[b.key, way.name] for b, way in work if (b.key, way.name) in kept.cells]


def _known(work: Sequence[Work], kept: Kept[Cell]) -> int:
    return sum((boundary.key, way.name) in kept.cells for boundary, way in work)


def _progress(
    kept: Kept[Cell], wanted: int, left: int, parallel: int, last: Cell | None
) -> Progress:
    took = [cell.real_s for cell in kept.cells.values()] or [GUESS_S]
    left_s = left * sum(took) / len(took) / parallel
    return Progress(wanted - left, wanted, left_s, last)


def _begin(asked: Asked) -> None:
    end_with_parent()
    _here.append(asked)


def _run(boundary: Boundary, name: str) -> Cell:
    """In a process of the pool."""
    asked = _here[0]
    return run_cell(
        asked.system, boundary, name, asked.waits_s, asked.time,
        asked.clean, asked.behind, asked.confirm_s, asked.histories,
    )  # fmt: skip
