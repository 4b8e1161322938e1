"""Markdown for GitHub."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..format import Format

if TYPE_CHECKING:
    from ...harness.run import Run
    from ...harness.skipped import Skipped


def render(runs: Sequence[Run], skipped: Sequence[Skipped] = ()) -> str:
    from .. import markdown

    return markdown.render(runs, skipped)


FORMAT = Format("summary.md", "for a job summary or a pull request", render, True, render)
