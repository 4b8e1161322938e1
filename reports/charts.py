"""Charts as places on a page, each with the table that says the same.

Every chart is narrow enough for a phone. A series is told apart by its dash and its name, never
by its colour alone. Computes no numbers of a run; :mod:`.whole_run` does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import isnan

from ..harness.shrink.likelihood import Curve
from .whole_run import WholeRun

WIDTH, HEIGHT = 328.0, 140.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 8.0, 16.0, 22.0
MOST_SHADES = 60
MOST_ROWS = 12  # of the table beside what grows, newest first
TIED = "\N{NO-BREAK SPACE}"  # between a number and its unit
STYLES = (
    ("#0072B2", ""),
    ("#D55E00", "6 3"),
    ("#009E73", "2 3"),
    ("#CC79A7", "8 3 2 3"),
)  # Okabe and Ito (2008), in an order that keeps neighbours far apart


@dataclass(frozen=True)
class Series:
    """A line, in pieces where values are missing; a lonely value is a dot."""

    name: str
    colour: str
    dash: str
    lines: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Table:
    """What a chart shows, in words and numbers."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Chart:
    """Everything with its place; ``shades`` are (x, width) of faults; ``summary`` is in words."""

    title: str
    unit: str
    summary: str
    series: tuple[Series, ...]
    shades: tuple[tuple[float, float], ...]
    y_ticks: tuple[tuple[float, str], ...]
    x_ticks: tuple[tuple[float, str], ...]
    limit: tuple[float, str] | None
    table: Table
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP
    bottom: float = HEIGHT - BOTTOM


def length(value_s: float | None) -> str:
    """A length of time for people: ``4 ms``, ``1.25 s``, ``24.0 h``; none: never."""
    if value_s is None or isnan(value_s):
        return "never" if value_s is None else "none"
    if value_s < 5e-7:
        return f"0{TIED}s"
    if value_s < 0.1:
        return f"{value_s * 1000:.3g}{TIED}ms"
    return f"{value_s:.2f}{TIED}s" if value_s < 7200 else f"{value_s / 3600:.1f}{TIED}h"


def number(value: float) -> str:
    return "none" if isnan(value) else f"{value:.3g}"


def waits(run: WholeRun) -> list[Chart]:
    """For each queue: how long jobs waited for a worker, by when they were accepted."""
    charts = []
    for queue in run.queues:
        if not queue.to_worker.n:
            continue
        limit = None if queue.bound_s is None else (queue.bound_s, length(queue.bound_s))
        charts.append(
            _chart(
                run,
                f"Wait for a worker in {queue.name}, by time of acceptance",
                "s",
                [("longest", queue.worst_s.tolist()), ("median", queue.median_s.tolist())],
                run.edges_s[:-1].tolist(),
                length,
                limit,
            )
        )
    return charts


def over_time(run: WholeRun) -> list[Chart]:
    """Backlog, age and throughput."""
    opened, waiting, oldest = run.backlog
    accepted, ended = run.throughput
    edges = run.edges_s.tolist()
    return [
        _chart(
            run, "Jobs in the queue", "jobs",
            [("unfinished", opened.tolist()),
             ("waiting for a worker", waiting.tolist())],
            edges, number,
        ),
        _chart(
            run, "Age of the oldest unfinished job", "s", [("age", oldest.tolist())],
            edges, length,
        ),
        _chart(
            run, "Throughput", "jobs/s",
            [("accepted", accepted.tolist()), ("finished", ended.tolist())],
            edges[:-1], number,
        ),
    ]  # fmt: skip


def growth(
    title: str, unit: str, at_s: Sequence[float], lines: Sequence[tuple[str, Sequence[float]]]
) -> Chart:
    """What grew in the course of many runs, at these seconds of all of them."""
    times, shown = [0.0, *at_s], [(name, [0.0, *values]) for name, values in lines]
    drawn = _drawn(
        title, unit, shown, times, (0.0, times[-1]), lambda n: f"{n:,.0f}", [], None, None
    )
    step = max(1, len(at_s) // MOST_ROWS)
    now = "; ".join(f"{name}: {values[-1]:,.0f} now" for name, values in shown)
    rows = drawn.table.rows[::-step]
    return replace(drawn, summary=now, table=replace(drawn.table, rows=rows))


def likelihood(curve: Curve) -> Chart:
    """How likely the failure was from each moment of its run on."""
    times = [moment.at_s for moment in curve.moments]
    span_s = (min(times), max(times))
    values = [100 * moment.likelihood for moment in curve.moments]
    drawn = _drawn(
        "Likelihood of the failure, from each moment on",
        "% of other futures",
        [("failed", values)],
        times,
        span_s,
        lambda percent: f"{percent:.0f} %",
        [],
        None,
        100.0,
    )
    rows = tuple((f"{m.at_s:.3f}{TIED}s", f"{m.failed} of {m.futures}") for m in curve.moments)
    return replace(drawn, table=Table(("from", "futures that failed"), rows))


def _chart(
    run: WholeRun,
    title: str,
    unit: str,
    values: list[tuple[str, list[float]]],
    times: list[float],
    say: Callable[[float], str],
    limit: tuple[float, str] | None = None,
) -> Chart:
    shades = [(fault.start_s, fault.end_s) for fault in run.faults][:MOST_SHADES]
    return _drawn(title, unit, values, times, (0.0, run.end_s), say, shades, limit, None)


def _drawn(
    title: str,
    unit: str,
    values: list[tuple[str, list[float]]],
    times: list[float],
    span_s: tuple[float, float],
    say: Callable[[float], str],
    shades: Sequence[tuple[float, float]],
    limit: tuple[float, str] | None,
    top: float | None,
) -> Chart:
    start_s, end_s = span_s
    known = [value for _, column in values for value in column if not isnan(value)]
    most = top or max([*known, limit[0] if limit else 0.0]) or 1.0
    across = (WIDTH - RIGHT - LEFT) / max(1e-9, end_s - start_s)
    down = (HEIGHT - TOP - BOTTOM) / most

    def x(at_s: float) -> float:
        return round(LEFT + (at_s - start_s) * across, 1)

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - value * down, 1)

    series = []
    for (name, column), (colour, dash) in zip(values, STYLES, strict=False):
        pieces = _pieces([(x(t), y(v)) for t, v in zip(times, column, strict=True)], column)
        lines = tuple(" ".join(f"{px},{py}" for px, py in p) for p in pieces if len(p) > 1)
        dots = tuple(piece[0] for piece in pieces if len(piece) == 1)
        series.append(Series(name, colour, dash, lines, dots))
    head = ("from", *(name for name, _ in values))
    rows = tuple(
        (f"{t:.3f}{TIED}s", *(say(column[place]) for _, column in values))
        for place, t in enumerate(times)
        if any(not isnan(column[place]) for _, column in values)
    )
    summary = "; ".join(f"{name}: at most {say(_most(column))}" for name, column in values)
    return Chart(
        title,
        unit,
        summary,
        tuple(series),
        tuple((x(a), round(max(1.5, (b - a) * across), 1)) for a, b in shades),
        ((y(0), "0"), (y(most), say(most))),
        tuple((x(t), length(t)) for t in (start_s, (start_s + end_s) / 2, end_s)),
        (y(limit[0]), f"bound {limit[1]}") if limit else None,
        Table(head, rows),
    )


def _most(column: Sequence[float]) -> float:
    return max((value for value in column if not isnan(value)), default=float("nan"))


def _pieces(
    points: list[tuple[float, float]], column: Sequence[float]
) -> list[list[tuple[float, float]]]:
    """The points in runs without a gap."""
    pieces, now = list[list[tuple[float, float]]](), list[tuple[float, float]]()
    for point, value in zip(points, column, strict=True):
        if isnan(value):
            pieces, now = [*pieces, now], []
        else:
            now.append(point)
    return [piece for piece in [*pieces, now] if piece]
