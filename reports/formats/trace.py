"""A trace for Perfetto and chrome://tracing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..format import Format

if TYPE_CHECKING:
    from ...harness.run import Run


def render(runs: Sequence[Run]) -> str:
    from .. import trace

    return trace.render(runs)


FORMAT = Format("trace.json", "for Perfetto and chrome://tracing", render, shared=False)
