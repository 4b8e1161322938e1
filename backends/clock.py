"""The clock of a durable queue: wall time at the start, monotonic from there on.

Deadlines that survive a restart must be wall times; a step of the wall clock while the
queue runs must not expire every lease at once. So the wall clock is read once. Whose
wall clock is an argument: processes that share a server anchor on the server's.
"""

from __future__ import annotations

import time
from collections.abc import Callable


def anchored_clock(wall: Callable[[], float] = time.time) -> Callable[[], float]:
    """A clock in seconds since the epoch that never jumps while the process lives."""
    offset = wall() - time.monotonic()
    return lambda: offset + time.monotonic()
