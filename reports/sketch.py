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
LETTERS = {"fault": "x", "ack": "A", "ack refused": "R", "enqueue": "#", "effect": "E"}
LEGEND = "[==] delivery, ... waits, # enqueued, E effect, A ack, R refused, x fault"


def sketch(diagram: Diagram, width: int = WIDTH) -> list[str]:
    """Lines of at most ``width`` columns, the last but one with times in seconds, then a legend."""
    if not diagram.lanes:
        return []
    names = [one_line(name)[:LONGEST_NAME] for name in diagram.lanes]
    left = max(map(len, names)) + 2
    scale = _Scale(diagram.start_s, diagram.end_s, width - left)
    lines = []
    for lane, name in enumerate(names):
        bars = [bar for bar in diagram.bars if bar.lane == lane]
        marks = [m for m in diagram.marks if m.lane == lane and m.kind in LETTERS]
        for number, row in enumerate(_rows(bars, marks, scale)):
            lines.append(f"{'' if number else name:<{left}}{row}".rstrip())
    if len(lines) > MOST_ROWS:
        lines = [*lines[:MOST_ROWS], f"... {len(lines) - MOST_ROWS} more rows in the report"]
    return [*lines, " " * left + _axis(diagram, scale), LEGEND]


class _Scale:
    """From seconds to columns."""

    def __init__(self, start_s: float, end_s: float, columns: int) -> None:
        self.columns = columns
        self._start_s = start_s
        self._per_s = (columns - 1) / max(end_s - start_s, 1e-9)

    def at(self, t_s: float) -> int:
        return min(self.columns - 1, max(0, round((t_s - self._start_s) * self._per_s)))


def _rows(bars: Sequence[Bar], marks: Sequence[Mark], scale: _Scale) -> Iterator[str]:
    """The rows of one lane: bars that do not overlap share one, each with its own marks."""
    rows: list[list[str]] = []
    ends: list[int] = []
    homes: list[tuple[Bar, int]] = []
    for bar in sorted(bars, key=lambda bar: (bar.start_s, bar.end_s)):
        first, last = scale.at(bar.start_s), scale.at(bar.end_s)
        place = next((n for n, end in enumerate(ends) if end < first), len(rows))
        if place == len(rows):
            rows.append([" "] * scale.columns)
            ends.append(-1)
        drawn = "[" + "=" * (last - first - 1) + "]"
        rows[place][first : last + 1] = ("." * len(drawn) if bar.waiting else drawn)[
            : last + 1 - first
        ]
        ends[place] = last
        homes.append((bar, place))
    if marks and not rows:
        rows.append([" "] * scale.columns)
    # What would hide another mark gives way to the left, the effect first.
    for mark in sorted(marks, key=lambda mark: (list(LETTERS).index(mark.kind), -mark.at_s)):
        row, at = rows[_home(mark, homes)], scale.at(mark.at_s)
        while at > 0 and row[at] in LETTERS.values():
            at -= 1
        row[at] = LETTERS[mark.kind]
    yield from ("".join(row) for row in rows)


def _home(mark: Mark, homes: Sequence[tuple[Bar, int]]) -> int:
    """The row of the bar that the mark lies on, a delivery rather than a wait."""
    on = [(bar.waiting, place) for bar, place in homes if bar.start_s <= mark.at_s <= bar.end_s]
    return min(on)[1] if on else 0


def _axis(diagram: Diagram, scale: _Scale) -> str:
    """Start, middle and end in seconds, below their columns."""
    row = [" "] * scale.columns
    for t_s in (diagram.start_s, (diagram.start_s + diagram.end_s) / 2, diagram.end_s):
        text = f"{t_s:.2f} s"
        at = min(max(0, scale.at(t_s) - len(text) // 2), scale.columns - len(text))
        row[at : at + len(text)] = text
    return "".join(row).rstrip()
