"""The page of one run as a format among others: what :mod:`.html` makes of the parts of a run."""

from __future__ import annotations

from collections.abc import Sequence

from ..harness.run import Run
from . import html


def render(runs: Sequence[Run]) -> str:
    """The page of the only run."""
    (run,) = runs
    return html.page(run.result, run.plan, run.claims, run.history)
