"""The time that a run of real processes goes by, and how its driver lets some of it pass.

The driver looks at everything that moves, says when it has something to do itself, and naps. It
is woken when a file or a process that it watches has something new.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ...proxy.loop_thread import LoopClock

TICK_S = 0.005


def clock_of(node: int) -> int:
    """The number of that node's wall clock. 0 is everybody else's, which is never wrong."""
    return node + 2  # the server's node is -1


class Pace(Protocol):
    """A clock that all processes of a run share; times in seconds of its own."""

    @property
    def told(self) -> str:
        """How the time of the run went, in a few words for a report."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What each process of the run has in its environment to share the clock."""

    @property
    def loop_clock(self) -> LoopClock | None:
        """The clock of the network's event loop, if it is not the machine's."""

    def environment_of(self, node: int) -> Mapping[str, str]:
        """The same for the processes of a node, whose wall clock can be wrong."""

    def skew(self, node: int, ahead_s: float) -> bool:
        """That node's wall clock is ahead by so much from now on; False if it cannot be."""

    def now_s(self) -> float:
        """What ``time.monotonic()`` says in the processes of the run."""

    def nap(self, until_s: float) -> None:
        """Let a little time pass, never beyond ``until_s``. To be called again after a look."""

    def watch_file(self, path: Path) -> None:
        """A nap ends when this file grows."""

    def watch(self, fd: int) -> None:
        """A nap ends when there is something new to read."""

    def watch_process(self, pid: int) -> None:
        """A nap ends when this child of ours ends."""


class RealTime:
    """The machine's own clock. Its naps are so short that nobody needs to be woken.

    ``why``: why time does not leap, where it was meant to.
    """

    environment: Mapping[str, str] = {}
    loop_clock: LoopClock | None = None

    def __init__(self, why: str = "") -> None:
        self.told = f"real; {why}" if why else "real"

    def environment_of(self, node: int) -> Mapping[str, str]:
        return {}

    def skew(self, node: int, ahead_s: float) -> bool:
        return False  # all processes of a machine share its clock

    def now_s(self) -> float:
        return time.monotonic()

    def nap(self, until_s: float) -> None:
        time.sleep(max(0.0, min(TICK_S, until_s - time.monotonic())))

    def watch_file(self, path: Path) -> None: ...
    def watch(self, fd: int) -> None: ...
    def watch_process(self, pid: int) -> None: ...
