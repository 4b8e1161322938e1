"""How many workers a pool needs so that its deliveries wait no longer than they may.

The formula proposes, the simulation is set beside it at that number of workers, one fewer and
one more. Where the formula is exact it decides; where it is not, the simulation does. Nothing
is printed or drawn here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from ..errors import UsageError
from .load import Asked, Load, load
from .simulate import CONFIDENCE, DELIVERIES, Simulated, TooLong, simulate
from .units import seconds_text
from .waiting import Formula, Wait, formula, wait

MOST_WORKERS = 100_000
MOST_POINTS = 80
ROUNDING = 1e-12

Verdict = Literal["meets", "too few", "undecided", "grows for ever"]
Progress = Callable[[str], None]


class SizingError(UsageError):
    """No such number of workers. The message says what was expected, found, and what to do."""


class Question(Struct, frozen=True):
    """The ``share`` (0 to 1) of deliveries that must wait at most ``bound_s`` seconds."""

    bound_s: float
    share: float


class Row(Struct, frozen=True):
    """One number of workers; waits are the percentile asked for, None where there is none."""

    workers: int
    utilisation: float
    growth_per_s: float
    formula_s: float | None
    simulated: Simulated | None
    verdict: Verdict


class Sizing(Struct, frozen=True):
    """The answer for one pool. ``curve``: (workers, wait by the formula) around the answer.

    ``basis`` tells where the traffic is from; ``now`` is how many workers the pool has, None if
    nobody said.
    """

    pool: str
    basis: str
    question: Question
    load: Load
    erlangs: float
    fewest_stable: int
    formula: Formula
    workers: int
    now: int | None
    sentence: str
    rows: tuple[Row, ...]
    curve: tuple[tuple[int, float], ...]
    confidence: float = CONFIDENCE


def size(
    asked: Asked,
    question: Question,
    seed: int = 0,
    progress: Progress = lambda doing: None,
    deliveries: int = DELIVERIES,
) -> Sizing:
    """Find the fewest workers for this traffic, by formula and by simulation.

    ``progress`` is told in words what is being done; ``deliveries`` are simulated for each
    number of workers that is looked at. Raises :class:`SizingError` if it takes
    more than a hundred thousand workers.
    """
    traffic = asked.traffic
    carried, best = load(traffic), formula(traffic)
    proposed = by_formula(carried, best, question)

    def simulated(workers: int) -> Simulated | None:
        try:
            return simulate(
                traffic, carried, workers, question.share, seed, deliveries=deliveries,
                progress=lambda done, of: progress(
                    f"{asked.pool}: simulating {workers} workers, {done} of {of}"
                ),
            )  # fmt: skip
        except TooLong:
            return None

    rows: dict[int, Row] = {}

    def row(workers: int) -> Row:
        if workers not in rows:
            rows[workers] = _judged(carried, best, question, workers, simulated)
        return rows[workers]

    stable = carried.fewest_stable
    answer = proposed
    if not best.exact:
        answer = fewest(lambda workers: row(workers).verdict == "meets", stable, proposed)
    for workers in {max(1, stable - 1), max(1, answer - 1), answer, answer + 1}:
        row(workers)
    last = answer + max(2, (answer - stable) // 2 + 1)
    step = 1 + (last - stable) // MOST_POINTS
    return Sizing(
        pool=asked.pool,
        basis=asked.basis,
        question=question,
        load=carried,
        erlangs=carried.erlangs,
        fewest_stable=stable,
        formula=best,
        workers=answer,
        now=asked.now,
        sentence=_sentence(rows[answer], best, question, asked.now),
        rows=tuple(rows[workers] for workers in sorted(rows)),
        curve=tuple(
            (n, wait(best, carried, n).percentile_s(question.share))
            for n in range(stable, last + 1, step)
        ),
    )


def by_formula(carried: Load, best: Formula, question: Question) -> int:
    """The fewest workers by the formula alone. Raises :class:`SizingError` above the most."""

    def meets(workers: int) -> bool:
        if workers > MOST_WORKERS:
            raise SizingError(
                f"expected a load for at most {MOST_WORKERS} workers, found one for more "
                f"({carried.erlangs:.6g} erlangs); lower the arrivals, or split the pool"
            )
        return _within(wait(best, carried, workers), question)

    return fewest(meets, carried.fewest_stable, carried.fewest_stable)


def fewest(meets: Callable[[int], bool], lowest: int, guess: int) -> int:
    """The smallest number from ``lowest`` on that meets, looking first near the guess.

    Whatever is larger than a number that meets must meet, too, sooner or later.
    """
    below, high, step = lowest - 1, guess, 1
    if meets(guess):
        while high > lowest and meets(max(lowest, high - step)):
            high, step = max(lowest, high - step), 2 * step
        below = max(below, high - step)
    else:
        while not meets(high + step):
            high, step = high + step, 2 * step
        below, high = high, high + step
    while high - below > 1:
        middle = (below + high) // 2
        if meets(middle):
            high = middle
        else:
            below = middle
    return high


def _within(waited: Wait, question: Question) -> bool:
    return waited.longer_than(question.bound_s) <= 1.0 - question.share + ROUNDING


def _judged(
    carried: Load,
    best: Formula,
    question: Question,
    workers: int,
    simulated: Callable[[int], Simulated | None],
) -> Row:
    used, growth = carried.erlangs / workers, carried.growth_per_s(workers)
    if workers < carried.fewest_stable:
        return Row(workers, used, growth, None, None, "grows for ever")
    told = wait(best, carried, workers)
    beside = simulated(workers)
    verdict: Verdict
    if best.exact or beside is None:
        verdict = "meets" if _within(told, question) else "too few"
    elif beside.percentile_s.high <= question.bound_s:
        verdict = "meets"
    else:
        verdict = "too few" if beside.percentile_s.low > question.bound_s else "undecided"
    return Row(workers, used, growth, told.percentile_s(question.share), beside, verdict)


def _sentence(row: Row, best: Formula, question: Question, now: int | None) -> str:
    """The answer first, then whose word it is."""
    many = "1 worker" if row.workers == 1 else f"{row.workers} workers"
    wait_s = row.formula_s or 0.0
    whose = "exact formula"
    if not best.exact:
        whose = "approximate formula; too long to simulate"
        if row.simulated is not None:
            wait_s, whose = row.simulated.percentile_s.value, "simulated"
    had = "" if now is None else f"; the pool has {now}"
    return (
        f"{many}: {percent(question.share)} of the deliveries wait at most {seconds_text(wait_s)} "
        f"({whose}), and {seconds_text(question.bound_s)} is allowed{had}"
    )


def percent(share: float) -> str:
    """A share as a percentage."""
    return f"{100.0 * share:.10g} %"
