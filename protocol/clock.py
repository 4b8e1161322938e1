"""The clocks that a queue can read, and the time that it makes of them.

A wall clock jumps: it is put right by hand or by the network, it stops with a virtual machine.
What is measured by it, leases, retries, delays, ends too early or too late by the jump. A
monotonic clock does not jump, but says nothing after a restart. So the queue's time is anchored:
the wall clock is read once, when the queue starts, and the monotonic one from there on. This
module decides nothing about jobs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

ReadClock = Callable[[], float]


class Clock(NamedTuple):
    """Three clocks, each a function that gives seconds.

    ``monotonic`` never jumps. ``wall`` is the wall clock of the machine that serves the queue,
    which processes that share a server can agree on. ``caller`` is the wall clock of the machine
    whose call is being carried out: what a library that runs inside of the worker would read.
    ``behind_s``: whoever has to ask for it reads ``wall`` late by up to so much, and never early.
    """

    monotonic: ReadClock = time.monotonic
    wall: ReadClock = time.time
    caller: ReadClock = time.time
    behind_s: ReadClock = lambda: 0.0


def anchored(clock: Clock, last: float | None = None) -> ReadClock:
    """Seconds since the epoch that never jump while the queue lives.

    ``last`` is the last time that the queue's store tells of. If the wall clock stands earlier
    when the queue starts, the queue goes on from ``last``: going back would lengthen every lease
    and every delay by as much. If the wall clock has jumped ahead meanwhile, nobody can tell that
    from a long rest: leases end early, their jobs are handed out again, and the tokens fence
    those who held them.
    """
    start = clock.wall() if last is None else max(clock.wall(), last)
    ahead_s = start - clock.monotonic()
    if not ahead_s:
        return clock.monotonic
    return lambda: ahead_s + clock.monotonic()
