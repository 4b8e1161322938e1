"""A scenario that was not run on a backend: :mod:`.why_not` says why, reports tell it."""

from __future__ import annotations

from typing import NamedTuple


class Skipped(NamedTuple):
    """A scenario that was not run on a backend, and why."""

    scenario: str
    backend: str
    why: str

    @property
    def sentence(self) -> str:
        return f"skipped {self.scenario} on {self.backend}: {self.why}"
