"""Plain text for a terminal or a log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..format import Format

if TYPE_CHECKING:
    from ...harness.run import Run


def render(runs: Sequence[Run]) -> str:
    from .. import text

    return text.render(runs)


FORMAT = Format("report.txt", "for a terminal of 80 columns", render, shared=True)
