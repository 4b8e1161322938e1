"""One page for many runs: a matrix of scenarios and backends, and the trend since earlier ones.

Each cell is a verdict in words that leads to the page of its run. Nothing is judged here: a
verdict that counts is :attr:`Result.as_expected`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from ..harness.finding import Verdict
from ..harness.result import Result
from .offline import own_text, page_of

SPARK_WIDTH, SPARK_HEIGHT, SPARK_MARGIN = 120, 24, 3
T = TypeVar("T")
VERDICTS: tuple[Verdict, ...] = ("violated", "inconclusive", "held")


class ShownRun(NamedTuple):
    """A run's result, and where its page is, seen from the index, if there is one."""

    result: Result
    page: str | None

    @property
    def broken(self) -> list[str]:
        """The titles of the guarantees that made it what it is."""
        if self.result.as_expected == "held":
            return []
        return [c.title for c in self.result.checks if c.verdict == self.result.as_expected]


class Earlier(NamedTuple):
    """The results of an earlier time, under the name of the folder that holds them."""

    label: str
    results: Sequence[Result]


class Row(NamedTuple):
    """What a scenario came to; a cell for each backend: runs of other seeds and drivers."""

    name: str
    control: str | None
    cells: tuple[tuple[ShownRun, ...], ...]


class Moment(NamedTuple):
    """One time in a trend; None if there was no such run then. Seconds."""

    verdict: Verdict | None
    recovery_s: float | None


class Trend(NamedTuple):
    """A scenario on a backend, the oldest moment first; ``change`` says what is new, if anything.

    ``spark`` holds the points of its recovery times, in the units of a small picture.
    """

    name: str
    backend: str
    driver: str
    moments: tuple[Moment, ...]
    change: str
    spark: str


def page(
    runs: Sequence[ShownRun],
    earlier: Sequence[Earlier] = (),
    missing: Mapping[str, str] | None = None,
    skipped: Sequence[str] = (),
) -> str:
    """The index as one self-contained page; every text in it is escaped.

    ``missing``: backends that could not be run, and why.
    """
    counts = Counter(one.result.as_expected for one in runs)
    return page_of(
        "index.html",
        [own_text("many.css")],
        headline=", ".join(f"{counts[v]} {v}" for v in VERDICTS if counts[v]) or "no run",
        backends=_in_order(one.result.backend for one in runs),
        rows=matrix(runs),
        missing=missing or {},
        skipped=skipped,
        labels=[*(before.label for before in earlier), "now"],
        trends=trends([one.result for one in runs], earlier) if earlier else [],
        spark=(SPARK_WIDTH, SPARK_HEIGHT),
        environment=_environment([one.result for one in runs]),
    )


def matrix(runs: Sequence[ShownRun]) -> list[Row]:
    """Scenarios by backends, both in the order in which they were run."""
    backends = _in_order(one.result.backend for one in runs)
    rows = []
    for name in _in_order(one.result.full_name for one in runs):
        mine = [one for one in runs if one.result.full_name == name]
        cells = [
            tuple(one for one in mine if one.result.backend == backend) for backend in backends
        ]
        rows.append(Row(name, mine[0].result.control, tuple(cells)))
    return rows


def trends(now: Sequence[Result], earlier: Sequence[Earlier]) -> list[Trend]:
    """How each scenario fared on each backend, then and now; one that is gone is left out."""
    times = [[*before.results] for before in earlier] + [[*now]]
    found = []
    for name, backend, driver in _in_order(map(_key, now)):
        moments = tuple(
            _moment([r for r in results if _key(r) == (name, backend, driver)]) for results in times
        )
        found.append(Trend(name, backend, driver, moments, _change(moments), _spark(moments)))
    return found


def _key(result: Result) -> tuple[str, str, str]:
    return result.full_name, result.backend, result.driver


def _moment(results: Sequence[Result]) -> Moment:
    """Several seeds are one moment: the worst verdict, the longest recovery."""
    verdicts = {result.as_expected for result in results}
    worst = next((verdict for verdict in VERDICTS if verdict in verdicts), None)
    times_s = [result.recovery_s for result in results if result.recovery_s is not None]
    return Moment(worst, max(times_s, default=None))


def _change(moments: Sequence[Moment]) -> str:
    *then, now = [moment.verdict for moment in moments]
    before = next((verdict for verdict in reversed(then) if verdict), None)
    if before is None:
        return "new"
    return "" if before == now else f"was {before}"


def _spark(moments: Sequence[Moment]) -> str:
    """Points ``x,y x,y``: recovery times, from nothing at the bottom to the longest at the top."""
    times_s = [moment.recovery_s for moment in moments]
    highest_s = max([t for t in times_s if t is not None], default=0.0) or 1.0
    if sum(t is not None for t in times_s) < 2:
        return ""
    step = (SPARK_WIDTH - 2 * SPARK_MARGIN) / (len(times_s) - 1)
    room = SPARK_HEIGHT - 2 * SPARK_MARGIN
    return " ".join(
        f"{SPARK_MARGIN + n * step:.1f},{SPARK_HEIGHT - SPARK_MARGIN - t / highest_s * room:.1f}"
        for n, t in enumerate(times_s)
        if t is not None
    )


def _environment(results: Sequence[Result]) -> dict[str, str]:
    """What the runs depended on; where they differ, each value."""
    names = _in_order(name for result in results for name in result.environment)
    return {
        name: " or ".join(_in_order(r.environment[name] for r in results if name in r.environment))
        for name in names
    }


def _in_order(values: Iterable[T]) -> list[T]:
    """Each value once, in the order of its first time."""
    return list(dict.fromkeys(values))
