"""What a sweep tells Prometheus of itself. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ..backends.metrics.families import Family
from .cell import Cell
from .outcome import LOOKS


def families(cells: Sequence[Cell], wanted: int) -> Iterator[Family]:
    """The families of a sweep of which these cells are done, of so many that are wanted."""
    outcomes = Counter(cell.outcome for cell in cells)
    yield Family(
        "jobquake_sweep_runs",
        "counter",
        "Runs by outcome, since the sweep began",
        ("outcome",),
        {(outcome,): outcomes[outcome] for outcome in LOOKS},
    )
    yield Family("jobquake_sweep_wanted", "gauge", "Runs of the whole sweep", (), {(): wanted})
    yield Family(
        "jobquake_sweep_running_seconds",
        "counter",
        "Real seconds of all runs",
        (),
        {(): sum(cell.real_s for cell in cells)},
    )
