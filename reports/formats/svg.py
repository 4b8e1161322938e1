"""The space-time diagram alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..format import Format

if TYPE_CHECKING:
    from ...harness.run import Run


def render(runs: Sequence[Run]) -> str:
    from .. import svg

    return svg.render(runs)


FORMAT = Format("space-time.svg", "the space-time diagram alone", render, shared=False)
