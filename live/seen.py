"""What a live page tells, read from the folder in which work is kept: a soak, a sweep, a board.

Reads and counts, and judges nothing. Numbers are the metric families that Prometheus is given.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from ..backends.metrics.families import Family
from ..board.cell import UNPROVED
from ..board.cell import Cell as OfBoard
from ..board.metrics import families as of_board
from ..harness.result import EXIT
from ..harness.soak.metrics import families as of_soak
from ..harness.soak.soak import Violation, state_of
from ..kept import cells_in
from ..reports.board import GRAVE
from ..sweep.cell import Cell as OfSweep
from ..sweep.metrics import families as of_sweep

MOST_FOUND = 100
LATEST = 12


class Line(NamedTuple):
    """A line of a chart: its name, and its value at each moment."""

    name: str
    values: tuple[float, ...]


class Course(NamedTuple):
    """What grew, at which seconds of all runs together."""

    title: str
    unit: str
    at_s: tuple[float, ...]
    lines: tuple[Line, ...]


class Told(NamedTuple):
    """A finding, or a run that has just been done. ``gravity`` is the class of its look.

    ``again`` is what to type, ``page`` the kept page, where there is one.
    """

    gravity: str
    title: str
    sentence: str
    again: str = ""
    page: Path | None = None


class Seen(NamedTuple):
    """How far the work is; ``share`` of 0 to 1 is what is done of all of it."""

    title: str
    look: str
    sentence: str
    share: float
    verdicts: dict[str, tuple[str, int]]
    courses: tuple[Course, ...]
    found: tuple[Told, ...]
    latest: tuple[Told, ...]
    numbers: tuple[Family, ...]
    folder: Path


Look = Callable[[], Seen]


def soaking(folder: Path, for_s: float) -> Seen:
    """The soak that is kept there, of ``for_s`` seconds of running."""
    soak = state_of(folder)
    at_s = tuple(moment.spent_s for moment in soak.moments)

    def course(title: str, unit: str, **lines: str) -> Course:
        drawn = [
            Line(name.replace("_", " "), tuple(getattr(m, field) for m in soak.moments))
            for name, field in lines.items()
        ]
        return Course(title, unit, at_s, tuple(drawn))

    return Seen(
        title=f"Soak: {', '.join(soak.scenarios)} on {soak.backend}",
        look="violated"
        if soak.verdict == "violated"
        else "held"
        if not soak.found
        else "inconclusive",
        sentence=f"{soak.rounds} rounds, {len(soak.found)} findings kept",
        share=min(1.0, soak.spent_s / for_s) if for_s else 1.0,
        verdicts={verdict: (verdict, soak.verdicts.get(verdict, 0)) for verdict in EXIT},
        courses=(
            course("Rounds", "rounds", all="rounds", violated="violated"),
            course("Faults that struck a job", "strikes", strikes="strikes"),
            course("Distinct behaviours", "behaviours", seen="behaviours"),
        ),
        found=tuple(_round(one, folder) for one in reversed(soak.found)),
        latest=(),
        numbers=tuple(of_soak(soak)),
        folder=folder,
    )


def _round(found: Violation, folder: Path) -> Told:
    gravity = "inconclusive" if found.vanished else "violated"
    kept = folder / f"round-{found.round}"
    again = f"jobquake replay {shlex.quote(str(kept))}"
    return Told(gravity, f"round {found.round}", found.sentence, again, kept / "report.html")


def sweeping(title: str, folder: Path, wanted: Sequence[tuple[str, str]]) -> Seen:
    """The sweep that is kept there, which is to have a cell for each of ``wanted``."""
    cells = _those(wanted, cells_in(folder, OfSweep))
    graves = [cell.gravity for cell in cells]
    return Seen(
        title=title,
        look=_gravest(graves),
        sentence=f"{len(cells)} of {len(wanted)} runs, {graves.count('violated')} of them violated",
        share=_share(len(cells), len(wanted)),
        verdicts=_counted((cell.outcome, cell.gravity) for cell in cells),
        courses=_courses(
            [(cell.real_s, cell.gravity, f"{cell.way}: {cell.outcome}") for cell in cells]
        ),
        found=tuple(_cell(cell) for cell in reversed(cells) if cell.gravity == "violated")[
            :MOST_FOUND
        ],
        latest=tuple(_cell(cell) for cell in reversed(cells))[:LATEST],
        numbers=tuple(of_sweep(cells, len(wanted))),
        folder=folder,
    )


def _cell(cell: OfSweep) -> Told:
    said = f"{cell.outcome}: {cell.sentence}"
    return Told(cell.gravity, f"{cell.boundary}, {cell.way}", said, cell.replay)


def boarding(folder: Path, wanted: Sequence[tuple[str, str, str]]) -> Seen:
    """The board that is kept there, which is to have a cell for each of ``wanted``."""
    cells = _those(wanted, cells_in(folder, OfBoard))
    graves = [_grave(cell) for cell in cells]
    return Seen(
        title="Libraries, struck in the same ways",
        look="inconclusive" if "inconclusive" in graves else "held" if graves else "inconclusive",
        sentence=f"{len(cells)} of {len(wanted)} cells",
        share=_share(len(cells), len(wanted)),
        verdicts=_counted(
            (outcome, GRAVE.get(outcome, "told")) for c in cells for outcome in c.outcomes
        ),
        courses=_courses(
            [
                (c.real_s, _grave(c), f"{c.column}: {next(iter(c.outcomes), UNPROVED)}")
                for c in cells
            ]
        ),
        found=tuple(_place(cell) for cell in reversed(cells) if _grave(cell) == "violated")[
            :MOST_FOUND
        ],
        latest=tuple(_place(cell) for cell in reversed(cells))[:LATEST],
        numbers=tuple(of_board(cells, len(wanted))),
        folder=folder,
    )


def _grave(cell: OfBoard) -> str:
    return GRAVE.get(next(iter(cell.outcomes), UNPROVED), "told")


def _place(cell: OfBoard) -> Told:
    outcomes = ", ".join(cell.outcomes)
    worst = next(iter(cell.outcomes), UNPROVED)
    said = next((ran.sentence for ran in cell.runs if ran.outcome == worst), "")
    return Told(_grave(cell), "/".join(cell.key), f"{outcomes}: {said}", cell.command)


class _Keyed(Protocol):
    @property
    def key(self) -> tuple[str, ...]: ...


C = TypeVar("C", bound=_Keyed)


def _those(wanted: Sequence[tuple[str, ...]], cells: Sequence[C]) -> list[C]:
    """Those that are wanted now; the folder may hold more. In the order in which they were done."""
    named = set(wanted)
    return [cell for cell in cells if cell.key in named]


def _share(done: int, wanted: int) -> float:
    return done / wanted if wanted else 0.0


def _gravest(graves: Sequence[str]) -> str:
    for grave in ("violated", "inconclusive"):
        if grave in graves:
            return grave
    return "held" if graves else "inconclusive"


def _counted(outcomes: Iterator[tuple[str, str]]) -> dict[str, tuple[str, int]]:
    """How often each outcome came, with its gravity."""
    counts = dict[str, tuple[str, int]]()
    for outcome, grave in outcomes:
        counts[outcome] = (grave, counts.get(outcome, ("", 0))[1] + 1)
    return counts


def _courses(done: Sequence[tuple[float, str, str]]) -> tuple[Course, ...]:
    """Of runs with their seconds, gravity and behaviour, in the order in which they were done."""
    spent_s, broken, seen = 0.0, 0, set[str]()
    at, violated, behaviours = list[float](), list[float](), list[float]()
    for real_s, grave, behaviour in done:
        spent_s, broken = spent_s + real_s, broken + (grave == "violated")
        seen.add(behaviour)
        at.append(spent_s)
        violated.append(broken)
        behaviours.append(len(seen))
    runs = Line("all", tuple(float(n) for n in range(1, len(at) + 1)))
    return (
        Course("Runs", "runs", tuple(at), (runs, Line("violated", tuple(violated)))),
        Course(
            "Distinct behaviours",
            "behaviours",
            tuple(at),
            (Line("seen", tuple(behaviours)),),
        ),
    )
