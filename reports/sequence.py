"""Lays a space-time diagram out for a narrow screen: lanes side by side, time runs down.

Every event has a height of its own, so that what happened within a millisecond can be told
apart; what lies further apart in time lies further apart on the page, but not to scale, which
is why the times stand beside it. Draws nothing: the template does.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from .space_time import Bar, Diagram, Mark

WIDTH = 328.0  # what a phone of 360 px has left between its margins
LEFT = 62.0  # the times
TOP = 36.0  # the names of the lanes
USUAL_GAP, LEAST_GAP = 22.0, 5.0
MOST_HEIGHT = 1400.0
STRETCH = 120.0
LABEL_APART = 11.0
RING = 14.0
WIDE_LETTER, WIDE_CAPITAL = 6.8, 7.6  # of a label and of a bold one, roughly
ALARMS = ("fault", "ack refused", "lease expired", "given up", "fate")
BAD_FATES = ("lost", "duplicated", "stuck", "phantom")
MOST_CULPRITS = 3  # a finding that points at all of a job's events means the last lease
LAST = 1 << 40
Moment = tuple[float, int]


@dataclass(frozen=True)
class Label:
    """Words beside a mark; ``anchor`` is where ``x`` is in them."""

    x: float
    y: float
    anchor: str
    text: str


@dataclass(frozen=True)
class Placed:
    """A mark on the page, its label if there is room for one, and whether it is of the hero.

    ``broke``: here a guarantee was broken.
    """

    mark: Mark
    x: float
    y: float
    label: Label | None
    ours: bool
    broke: bool


@dataclass(frozen=True)
class Stretch:
    """A bar on the page."""

    bar: Bar
    x: float
    y: float
    width: float
    height: float
    ours: bool


@dataclass(frozen=True)
class Sent:
    """An arrow on the page, from ``x1`` to its head at ``x2``."""

    x1: float
    x2: float
    y: float
    kind: str


@dataclass(frozen=True)
class Sequence:
    """Everything with its place, in the order in which it is drawn."""

    width: float
    height: float
    lanes: tuple[tuple[str, float, float], ...]
    times: tuple[tuple[float, float], ...]
    bars: tuple[Stretch, ...]
    arrows: tuple[Sent, ...]
    marks: tuple[Placed, ...]


def sequence(diagram: Diagram, hero: int, culprits: tuple[int, ...] = ()) -> Sequence:
    """The places; ``hero`` is the job that was wronged, -1: nobody in particular.

    ``culprits`` are the rows of the history that a finding points at.
    """
    heights = _heights(diagram)
    bottom = max(heights.values(), default=TOP)
    apart = (WIDTH - LEFT - 10) / max(1, len(diagram.lanes))
    lane_x = [round(LEFT + (i + 0.5) * apart, 1) for i in range(len(diagram.lanes))]
    jobs = list(dict.fromkeys(bar.job for bar in diagram.bars))
    bars = []
    for bar in diagram.bars:
        y1 = heights[bar.start_s, bar.start_row]
        y2 = heights.get((bar.end_s, bar.end_row), bottom)
        wide = 6.0 if bar.waiting else 14.0
        beside = 8.0 * jobs.index(bar.job) if bar.waiting else 0.0
        x = lane_x[bar.lane] - wide / 2 + beside
        bars.append(Stretch(bar, x, y1, wide, max(3.0, y2 - y1), bar.job == hero or hero < 0))
    arrows = {
        arrow.row: Sent(
            lane_x[arrow.start], lane_x[arrow.end], heights[arrow.at_s, arrow.row], arrow.kind
        )
        for arrow in diagram.arrows
    }
    return Sequence(
        WIDTH,
        bottom + 14,
        _names(diagram.lanes, lane_x, apart),
        _times(diagram, heights),
        tuple(sorted(bars, key=lambda placed: not placed.bar.waiting)),
        tuple(arrows.values()),
        tuple(_marks(diagram, heights, lane_x, arrows, hero, culprits, len(jobs) > 1)),
    )


def _names(
    lanes: tuple[str, ...], lane_x: list[float], apart: float
) -> tuple[tuple[str, float, float], ...]:
    """The lanes' names with their places; in two rows, if one has no room for them."""
    names = [name.removeprefix("the ") for name in lanes]
    crowded = max(map(len, names), default=0) * WIDE_CAPITAL > apart
    return tuple(
        (name, x, TOP - 23.0 if crowded and i % 2 else TOP - 10.0)
        for i, (name, x) in enumerate(zip(names, lane_x, strict=True))
    )


def _moment(mark: Mark) -> Moment:
    """When it was, and in which order with what was at the same time; what is computed is last."""
    if mark.row >= 0:
        return mark.at_s, mark.row
    return mark.at_s, LAST + 2 * max(mark.job, 0) + (mark.kind == "fate")


def _heights(diagram: Diagram) -> dict[Moment, float]:
    """How far down each event is: in their order, none too near to the next."""
    marked = {_moment(mark) for mark in diagram.marks}
    edges = {(bar.start_s, bar.start_row) for bar in diagram.bars}
    edges |= {(bar.end_s, bar.end_row) for bar in diagram.bars if bar.end_row >= 0}
    edges |= {(arrow.at_s, arrow.row) for arrow in diagram.arrows}
    moments = sorted(marked | edges)
    if not moments:
        return {}
    gap = max(LEAST_GAP, min(USUAL_GAP, MOST_HEIGHT / len(moments)))
    span_s = max(1e-9, moments[-1][0] - moments[0][0])
    heights, y = {moments[0]: TOP + 18.0}, TOP + 18.0
    for before, now in pairwise(moments):
        y += (gap if now in marked else 4.0) + STRETCH * (now[0] - before[0]) / span_s
        heights[now] = round(y, 1)
    return heights


def _times(diagram: Diagram, heights: dict[Moment, float]) -> tuple[tuple[float, float], ...]:
    """The times that are written beside the marks, and how far down."""
    found: list[tuple[float, float]] = []
    for mark in diagram.marks:
        y = heights[_moment(mark)]
        new = not found or f"{found[-1][0]:.3f}" != f"{mark.at_s:.3f}"
        if new and (not found or y - found[-1][1] >= LABEL_APART):
            found.append((mark.at_s, y))
    return tuple(found)


def _marks(
    diagram: Diagram,
    heights: dict[Moment, float],
    lane_x: list[float],
    arrows: dict[int, Sent],
    hero: int,
    culprits: tuple[int, ...],
    several: bool,
) -> list[Placed]:
    placed, free_from = list[Placed](), 0.0
    in_order = sorted(diagram.marks, key=lambda mark: heights[_moment(mark)])
    broke = _broke(in_order, hero, culprits)
    urgent = {heights[_moment(m)] for m in in_order if m.kind in ALARMS}
    for mark in in_order:
        x, y = lane_x[mark.lane], heights[_moment(mark)]
        crowded = any(0 < alarm - y < LABEL_APART for alarm in urgent) and y not in urgent
        label = None
        if y >= free_from and not crowded:
            text = f"job {mark.job}: {mark.label}" if several and mark.job >= 0 else mark.label
            beside = RING if mark in broke else 10.0
            label = _label(text, x, y, arrows.get(mark.row), beside)
            free_from = y + LABEL_APART
        ours = mark.job == hero or hero < 0 or mark.job < 0
        placed.append(Placed(mark, x, y, label, ours, mark in broke))
    return placed


def _broke(marks: list[Mark], hero: int, culprits: tuple[int, ...]) -> list[Mark]:
    """Where the guarantee broke: in the events of the finding, or in what became of its job."""
    found = [mark for mark in marks if mark.row in culprits]
    if len(found) <= MOST_CULPRITS and found:
        return found
    fates = [m for m in marks if m.kind == "fate" and m.label in BAD_FATES and m.job == hero]
    return fates or [mark for mark in found if mark.kind == "lease"][-1:]


def _label(text: str, x: float, y: float, arrow: Sent | None, beside: float) -> Label:
    """Beside the mark, where there is room; above the line if a message passes there."""
    wide = WIDE_LETTER * len(text) + beside + 2
    rightwards = x + wide <= WIDTH
    passes = arrow is not None and (max(arrow.x1, arrow.x2) > x) == rightwards
    baseline = y - 4 if passes else y + 3.5
    if rightwards:
        return Label(x + beside, baseline, "start", text)
    if x - wide < 0:
        return Label(WIDTH, y - 8, "end", text)
    return Label(x - beside, baseline, "end", text)
