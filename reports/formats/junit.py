"""JUnit XML for CI servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..format import Format

if TYPE_CHECKING:
    from ...harness.run import Run


def render(runs: Sequence[Run]) -> str:
    from .. import junit

    return junit.render(runs)


FORMAT = Format("junit.xml", "for CI servers: a suite for each run", render, shared=True)
