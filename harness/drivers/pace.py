"""The time that a run of real processes goes by, and how its driver lets some of it pass.

The driver looks at everything that moves, says when it has something to do itself, and naps.
What a nap costs in real time is the pace's affair; nothing is carried out here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Protocol

TICK_S = 0.005


class Pace(Protocol):
    """A clock that all processes of the run share; times in seconds of its own."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What each process of the run has in its environment to share the clock."""

    def now_s(self) -> float:
        """What ``time.monotonic()`` says in the processes of the run."""

    def nap(self, until_s: float) -> None:
        """Let a little time pass, never beyond ``until_s``. To be called again after a look."""


class RealTime:
    """The machine's own clock."""

    environment: Mapping[str, str] = {}

    def now_s(self) -> float:
        return time.monotonic()

    def nap(self, until_s: float) -> None:
        time.sleep(max(0.0, min(TICK_S, until_s - time.monotonic())))
