"""The answer to "how many workers", as lines for a terminal and as one HTML page.

The picture is waiting time against workers: the formula, the simulation with its intervals, what
is allowed, and where the backlog grows for ever. Nothing is computed here but places on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10

from rich.console import Console
from rich.table import Table

from ..capacity.simulate import Interval
from ..capacity.sizing import Row, Sizing, percent
from ..capacity.units import seconds_text
from .offline import own_text, page_of

WIDTH, HEIGHT = 420, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 24, 40
MOST_TICKS = 10
HEADROOM = 1.15
LOWEST, TALLEST = 2.0, 6.0  # the upper edge, in times what is allowed


@dataclass(frozen=True)
class Point:
    """A simulated wait on the picture; ``above`` if it lies beyond its upper edge."""

    x: float
    y: float
    low_y: float
    high_y: float
    above: bool
    text: str


@dataclass(frozen=True)
class Tick:
    at: float
    text: str


@dataclass(frozen=True)
class Picture:
    """Everything in the units of the picture, from its upper left corner."""

    formula: tuple[tuple[float, float], ...]
    points: tuple[Point, ...]
    allowed_y: float
    answer_x: float
    grows_until_x: float
    columns: tuple[Tick, ...]
    lines: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def picture(sizing: Sizing) -> Picture:
    """Place the curve, the simulated points, the bound and the unstable region."""
    first = max(0, sizing.fewest_stable - 2)
    last = max(sizing.workers + 2, sizing.curve[-1][0])
    highest_s = _highest_s(sizing)

    def x(workers: float) -> float:
        return LEFT + (workers - first) / (last - first) * (WIDTH - RIGHT - LEFT)

    def y(wait_s: float) -> float:
        return HEIGHT - BOTTOM - wait_s / highest_s * (HEIGHT - BOTTOM - TOP)

    points = []
    for row in sizing.rows:
        if row.simulated is not None:
            wait = row.simulated.percentile_s
            points.append(
                Point(
                    x(row.workers),
                    max(y(wait.value), float(TOP)),
                    max(y(wait.low), float(TOP)),
                    max(y(wait.high), float(TOP)),
                    wait.value > highest_s,
                    f"{row.workers} workers: simulated {_interval_text(wait)}",
                )
            )
    step = max(1, ceil(_round_step((last - first) / MOST_TICKS)))
    line_s = _round_step(highest_s / 5.0)
    return Picture(
        formula=tuple((x(workers), y(wait_s)) for workers, wait_s in sizing.curve),
        points=tuple(points),
        allowed_y=y(sizing.question.bound_s),
        answer_x=x(sizing.workers),
        grows_until_x=x(sizing.fewest_stable - 0.5),
        columns=tuple(Tick(x(n), str(n)) for n in range(ceil(first / step) * step, last + 1, step)),
        lines=tuple(
            Tick(y(n * line_s), seconds_text(n * line_s))
            for n in range(floor(highest_s / line_s) + 1)
        ),
    )


def page(sizings: list[Sizing]) -> str:
    """One self-contained page without scripts; every text in it is escaped."""
    return page_of(
        "capacity.html",
        [own_text("capacity.css")],
        answers=[(sizing, picture(sizing), lines(sizing)) for sizing in sizings],
        cells=cells,
        percent=percent,
        seconds_text=seconds_text,
    )


def lines(sizing: Sizing) -> list[str]:
    """What the answer rests on, one sentence a line."""
    carried, formula = sizing.load, sizing.formula
    many = f"{carried.deliveries_per_job:.4g}"
    work = (
        f"{carried.jobs_per_s:.4g} jobs/s x {many} {'delivery' if many == '1' else 'deliveries'} "
        f"x {seconds_text(carried.occupied_s)} = {sizing.erlangs:.4g} erlangs (busy workers)"
    )
    exact = "exact here" if formula.exact else "an approximation; the simulation takes precedence"
    sentences = [
        f"Load, {sizing.basis}: {work}.",
        "One worker keeps up."
        if sizing.fewest_stable == 1
        else f"With fewer than {sizing.fewest_stable} workers the backlog grows for ever.",
        f"Formula: {formula.name}; {exact} ({formula.source}).",
    ]
    if carried.dead_letters > 0.0:
        sentences.insert(
            1, f"Of the jobs, {100.0 * carried.dead_letters:.3g} % end as dead letters."
        )
    return sentences


def cells(row: Row) -> tuple[str, str, str, str, str]:
    """Workers, utilisation, wait by formula, wait simulated, verdict."""
    verdict: str = row.verdict
    if row.growth_per_s > 0.0:
        verdict += f" (+{row.growth_per_s:.3g}/s)"
    formula = "" if row.formula_s is None else seconds_text(row.formula_s)
    if row.simulated is not None:
        simulated = _interval_text(row.simulated.percentile_s)
    else:
        simulated = "" if row.formula_s is None else "would take too long"
    return str(row.workers), f"{100 * row.utilisation:.1f} %", formula, simulated, verdict


def show(sizing: Sizing, console: Console) -> None:
    """The answer in one sentence, what it rests on, and the table."""
    console.print(f"{sizing.pool}: {sizing.sentence}", soft_wrap=True)
    for line in lines(sizing):
        console.print(f"  {line}", soft_wrap=True)
    wait = f"{percent(sizing.question.share)} wait at most:"
    table = Table("workers", "used", f"{wait}\nformula", "\nsimulated", "\nverdict", box=None)
    for row in sizing.rows:
        table.add_row(*cells(row))
    console.print(table)


def _interval_text(wait: Interval) -> str:
    return f"{seconds_text(wait.value)} \u00b1 {seconds_text(wait.high - wait.value)}"


def _highest_s(sizing: Sizing) -> float:
    """The upper edge: what is near the answer fits, what grows beyond all bounds need not."""
    near = [LOWEST * sizing.question.bound_s]
    for row in sizing.rows:
        if row.workers >= sizing.workers - 1 and row.formula_s is not None:
            near.append(row.formula_s)
            near += [row.simulated.percentile_s.high] if row.simulated else []
    highest_s = HEADROOM * max(near)
    if sizing.question.bound_s > 0.0:
        highest_s = min(highest_s, TALLEST * sizing.question.bound_s)
    return highest_s or 1.0


def _round_step(least: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that is at least so large."""
    power = 10.0 ** floor(log10(least))
    return next((n * power for n in (1.0, 2.0, 5.0) if n * power >= least), 10.0 * power)
