"""JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..format import Format

if TYPE_CHECKING:
    from ...harness.run import Run


def render(runs: Sequence[Run]) -> str:
    from .. import results_json

    return results_json.render(runs)


FORMAT = Format("results.json", "for programs; see 'jobquake schema'", render, shared=True)
