"""The page of one run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..format import Format

if TYPE_CHECKING:
    from ...harness.run import Run


def render(runs: Sequence[Run]) -> str:
    from .. import html

    (run,) = runs
    return html.page(run.result, run.plan, run.claims, run.history)


FORMAT = Format("report.html", "the page with the whole story", render, shared=False)
