"""JUnit XML for CI servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..format import Format

if TYPE_CHECKING:
    from ...harness.run import Run
    from ...harness.skipped import Skipped


def render(runs: Sequence[Run], skipped: Sequence[Skipped] = ()) -> str:
    from .. import junit

    return junit.render(runs, skipped)


FORMAT = Format("junit.xml", "for CI servers: a suite for each run", render, True, render)
