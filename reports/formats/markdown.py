"""Markdown for GitHub."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..format import Format

if TYPE_CHECKING:
    from ...harness.run import Run


def render(runs: Sequence[Run]) -> str:
    from .. import markdown

    return markdown.render(runs)


FORMAT = Format("summary.md", "for a job summary or a pull request", render, shared=True)
