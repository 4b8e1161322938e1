"""What a board tells Prometheus of itself. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ..backends.metrics.families import Family
from .cell import OUTCOMES, Cell


def families(cells: Sequence[Cell], wanted: int) -> Iterator[Family]:
    """The families of a board of which these cells are done, of so many that are wanted."""
    outcomes = Counter(ran.outcome for cell in cells for ran in cell.runs)
    yield Family(
        "jobquake_matrix_runs",
        "counter",
        "Runs by outcome, since the board began",
        ("outcome",),
        {(outcome,): outcomes[outcome] for outcome in OUTCOMES},
    )
    yield Family("jobquake_matrix_cells", "gauge", "Cells that are done", (), {(): len(cells)})
    yield Family("jobquake_matrix_wanted", "gauge", "Cells of the whole board", (), {(): wanted})
    yield Family(
        "jobquake_matrix_running_seconds",
        "counter",
        "Real seconds of all runs",
        (),
        {(): sum(cell.real_s for cell in cells)},
    )
