"""The space-time diagram of one job in letters, for a terminal of 80 columns.

    p1  #.....
    w2        [==x
    w3              [====E=A]

A lane for each worker and producer that had to do with the job, and one more wherever two things
of a lane would overlap. It draws what :mod:`.space_time` has placed, and nothing of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .plain import one_line
from .space_time import Bar, Diagram, Mark

WIDTH = 80
LONGEST_NAME = 10
MOST_ROWS = 16
SPARE = 2  # columns at the right, for what had to give way
LETTERS = {
    "fault": "x", "exited": "!", "ack": "A", "ack refused": "R", "enqueue": "#", "effect": "E",
    "absorbed": "e",
}  # fmt: skip
LEGEND = "[==] held . waits # enqueued E effect e known A ack R refused x fault ! end"


def sketch(diagram: Diagram, width: int = WIDTH) -> list[str]:
    """Lines of at most ``width`` columns, the last but one with times in seconds, then a legend."""
    if not diagram.lanes:
        return []
    names = [one_line(name)[:LONGEST_NAME] for name in diagram.lanes]
    left = max(map(len, names)) + 2
    marked = [mark for mark in diagram.marks if mark.kind in LETTERS]
    times_s = [t for bar in diagram.bars for t in (bar.start_s, bar.end_s)]
    times_s += [mark.at_s for mark in marked]
    scale = _Scale(min(times_s, default=0.0), max(times_s, default=0.0), width - left - SPARE)
    lines = []
    for lane, name in enumerate(names):
        bars = [bar for bar in diagram.bars if bar.lane == lane]
        marks = [mark for mark in marked if mark.lane == lane]
        for number, row in enumerate(_rows(bars, marks, scale)):
            lines.append(f"{'' if number else name:<{left}}{row}".rstrip())
    if len(lines) > MOST_ROWS:
        lines = [*lines[:MOST_ROWS], f"... {len(lines) - MOST_ROWS} more rows in the report"]
    return [*lines, " " * left + _axis(scale), LEGEND]


class _Scale:
    """From seconds to columns: what is drawn begins in the first and ends in the last."""

    def __init__(self, start_s: float, end_s: float, columns: int) -> None:
        self.start_s, self.end_s, self.columns = start_s, end_s, columns
        self._per_s = (columns - 1) / max(end_s - start_s, 1e-9)

    def at(self, t_s: float) -> int:
        return round((t_s - self.start_s) * self._per_s)


def _rows(bars: Sequence[Bar], marks: Sequence[Mark], scale: _Scale) -> Iterator[str]:
    """The rows of one lane: bars that do not overlap share one, each with its own marks."""
    rows: list[list[str]] = []
    ends: list[int] = []
    homes: list[tuple[Bar, int, int]] = []
    for bar in sorted(bars, key=lambda bar: (bar.start_s, bar.end_s)):
        first = scale.at(bar.start_s)
        last = max(scale.at(bar.end_s), first + (not bar.waiting))
        place = next((n for n, end in enumerate(ends) if end + 1 < first), len(rows))
        if place == len(rows):
            rows.append([" "] * (scale.columns + SPARE))
            ends.append(-1)
        many = last - first + 1
        rows[place][first : last + 1] = "." * many if bar.waiting else f"[{'=' * (many - 2)}]"
        ends[place] = last
        # The bracket that opens a delivery stays visible.
        homes.append((bar, place, first + (not bar.waiting)))
    if marks and not rows:
        rows.append([" "] * (scale.columns + SPARE))
    # In the order in which they happened; what would hide another goes a column to the right.
    for mark in sorted(marks, key=lambda mark: mark.at_s):
        place, least = _home(mark, homes)
        row, at = rows[place], max(least, scale.at(mark.at_s))
        while at < len(row) - 1 and row[at] in LETTERS.values():
            at += 1
        row[at] = LETTERS[mark.kind]
    yield from ("".join(row) for row in rows)


def _home(mark: Mark, homes: Sequence[tuple[Bar, int, int]]) -> tuple[int, int]:
    """The row of the bar that the mark lies on, a delivery rather than a wait, and its start."""
    on = [
        (bar.waiting, place, least)
        for bar, place, least in homes
        if bar.start_s <= mark.at_s <= bar.end_s
    ]
    return min(on)[1:] if on else (0, 0)


def _axis(scale: _Scale) -> str:
    """Start, middle and end in seconds, below their columns."""
    row = [" "] * scale.columns
    digits = 2 if scale.end_s - scale.start_s > 0.1 else 4
    for t_s in (scale.start_s, (scale.start_s + scale.end_s) / 2, scale.end_s):
        text = f"{t_s:.{digits}f} s"
        at = min(max(0, scale.at(t_s) - len(text) // 2), scale.columns - len(text))
        row[at : at + len(text)] = text
    return "".join(row).rstrip()
