"""Ctrl-C ends a command even where Python would swallow it.

The interpreter raises KeyboardInterrupt between any two steps of the main thread, so also inside
a finaliser or the callback of a weak reference, whose errors go to ``sys.unraisablehook`` and
are gone.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SOON_S = 0.01


@contextmanager
def interrupts_kept() -> Iterator[None]:
    """In this block an interrupt that was swallowed comes again, until it is seen.

    For the main thread of a process that has no use of its own for SIGALRM.
    """
    told_before = sys.unraisablehook
    alarm_before = signal.signal(signal.SIGALRM, signal.default_int_handler)

    def unraisable(told: Any) -> None:
        if issubclass(told.exc_type, KeyboardInterrupt):
            # Not from here, where it would be swallowed, too.
            signal.setitimer(signal.ITIMER_REAL, SOON_S)
        else:
            told_before(told)

    sys.unraisablehook = unraisable
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, alarm_before)
        sys.unraisablehook = told_before
