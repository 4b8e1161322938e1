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
    hook_before = sys.unraisablehook
    alarm_before = signal.signal(signal.SIGALRM, signal.default_int_handler)

    def unraisable(unraised: Any) -> None:
        if issubclass(unraised.exc_type, KeyboardInterrupt):
            # Not from here, where it would be swallowed, too.
            signal.setitimer(signal.ITIMER_REAL, SOON_S)
        else:
            hook_before(unraised)

    sys.unraisablehook = unraisable
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, alarm_before)
        sys.unraisablehook = hook_before
