"""The board as one HTML page, as a table for the docs, and as lines for a terminal.

Nothing is judged here: an outcome says what became of a job, and how grave that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..board.board import Board
from ..board.cell import BACK, HELD, IN_HAND, UNPROVED, Cell
from ..board.columns import COLUMNS
from ..frameworks.shop import CONFIGURATIONS, Setting, shops
from ..frameworks.sign import sign
from ..harness.units import seconds
from .offline import own_text, page_of

GRAVE = {
    "lost": "violated", "stuck": "violated", "phantom": "violated", "duplicated": "violated",
    UNPROVED: "inconclusive", "done": "held", "recovered": "held", "run again": "held",
    "unknown": "held",
}  # fmt: skip
MEANS = {
    "done": "each job was done once",
    "recovered": "the library brought it back by itself",
    "run again": "its function ran to its end more than once",
    "recoverable": "it came back when somebody came: a fresh worker, or a new message",
    "dead-lettered": "not run again, and kept where the library keeps failures",
    "failed": "its function raised, and nothing keeps it or runs it again",
    HELD: "held at the end; the library gives it back by itself, later than was waited",
    IN_HAND: "at the end the living worker that runs it had it, and nothing else did",
    "stuck": "held at the end, and nothing gives it back",
    "lost": "accepted, never done, and held nowhere",
    "unknown": "whoever sent it was told nothing, so either fate is right",
    UNPROVED: "the runs proved nothing",
}


class Shown(NamedTuple):
    """A cell in words. ``gravity`` is the class of its look; "": neither good nor bad."""

    cell: Cell
    words: str
    waits: str
    gravity: str


class Row(NamedTuple):
    shop: str
    configuration: str
    library: str
    cells: tuple[Shown | None, ...]


class Safe(NamedTuple):
    """What a shop's ``safe`` configuration sets."""

    shop: str
    title: str
    pins: str
    settings: tuple[Setting, ...]


def shown(cell: Cell) -> Shown:
    """``lost`` where all runs agree, else ``lost 2, done 1``; and how long recovery took."""
    counts = cell.outcomes
    gravest = next(iter(counts))
    several = ", ".join(f"{one} {times}" for one, times in counts.items())
    words = several if len(counts) > 1 else gravest
    waits = _waits(cell.recoveries_s)
    told = f"others {waits}" if waits and not set(counts) & set(BACK) else waits
    return Shown(cell, words, told, GRAVE.get(gravest, ""))


def _waits(recoveries_s: Sequence[float]) -> str:
    if not recoveries_s:
        return ""
    least, most = seconds(recoveries_s[0]), seconds(recoveries_s[-1])
    return f"after {most}" if least == most else f"after {least} to {most}"


def rows(board: Board) -> list[Row]:
    found = []
    for shop, configuration in board.rows:
        cells = [board.cell(shop, configuration, column) for column in board.columns]
        library = next(cell.library for cell in cells if cell)
        row = tuple(shown(cell) if cell else None for cell in cells)
        found.append(Row(shop, configuration, library, row))
    return found


def safes(board: Board) -> list[Safe]:
    """What ``safe`` is, of each shop on the board."""
    named = {cell.shop for cell in board.cells if cell.configuration == CONFIGURATIONS[1]}
    return [
        Safe(shop.name, sign(library).title, " ".join(sign(library).pins), shop.safe)
        for library, shop in shops().values()
        if shop.name in named
    ]


def headline(board: Board) -> str:
    of = "" if board.complete else f" of {board.wanted}"
    return f"{len(board.cells)}{of} cells, {_runs(board)} each, in {seconds(board.real_s)}"


def _runs(board: Board) -> str:
    return f"{board.times} runs" if board.times > 1 else "1 run"


def page(board: Board) -> str:
    """One self-contained page; every text in it is escaped."""
    does = {column.name: column.does for column in COLUMNS}
    known = {ran.outcome for cell in board.cells for ran in cell.runs}
    return page_of(
        "board.html",
        [own_text("many.css")],
        board=board,
        headline=headline(board),
        columns=[(name, does[name]) for name in board.columns],
        rows=rows(board),
        safes=safes(board),
        means={one: said for one, said in MEANS.items() if one in known},
    )


def markdown(board: Board, command: str) -> str:
    """The table for the docs; ``command`` made it."""
    how = (
        f"Made by `{command}`; nothing is written by hand. Seed {board.seed}, {_runs(board)} "
        "a cell, in leaping time; a violation is repeated in real time where that is short. "
        "Times are the library's own seconds from a death to the next begin."
    )
    if not board.complete:
        how += f" {len(board.cells)} of {board.wanted} cells were run, not yet all."
    lines = ["# The board: libraries struck in the same ways", "", how, ""]
    lines += ["| library | settings | " + " | ".join(board.columns) + " |"]
    lines += ["|---|---|" + "---|" * len(board.columns)]
    for row in rows(board):
        told = [f"{one.words} {one.waits}".strip() if one else "not run" for one in row.cells]
        lines.append(f"| {' | '.join([f'{row.shop} ({row.library})', row.configuration, *told])} |")
    does = {column.name: column.does for column in COLUMNS}
    known = {ran.outcome for cell in board.cells for ran in cell.runs}
    lines += ["", "## What is done", ""]
    lines += [f"- **{name}**: {does[name]}" for name in board.columns]
    lines += ["", "## What the words mean", ""]
    lines += [f"- **{one}**: {said}" for one, said in MEANS.items() if one in known]
    lines += ["", "## What decides it", ""]
    for row in rows(board):
        told = [one.cell.decides for one in row.cells if one and one.cell.decides]
        lines += [f"- {row.shop}, {row.configuration}: {said}" for said in dict.fromkeys(told)]
    lines += ["", "## What `safe` is", "", "`default` sets nothing.", ""]
    for safe in safes(board):
        lines += [f"{safe.shop} ({safe.title}, {safe.pins}):", ""]
        lines += [f"- `{one.text}`: {one.why}" for one in safe.settings] + [""]
    lines += ["## Again", "", "```text", *(cell.command for cell in board.cells), "```"]
    return "\n".join(lines) + "\n"


def line(cell: Cell, done: int, wanted: int) -> str:
    """A cell that has just been done."""
    said = shown(cell)
    where = f"{cell.shop}/{cell.configuration}/{cell.column}"
    return f"{done:>3} of {wanted}  {where:<42} {said.words} {said.waits}".rstrip()
