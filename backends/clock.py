"""The clock of a durable queue: wall time at the start, monotonic from there on.

Deadlines that survive a restart must be wall times; a step of the wall clock while the
queue runs must not expire every lease at once. So the wall clock is read once.
"""

from __future__ import annotations

import time
from collections.abc import Callable


def anchored_clock() -> Callable[[], float]:
    """A clock in seconds since the epoch that never jumps while the process lives."""
    offset = time.time() - time.monotonic()
    return lambda: offset + time.monotonic()
