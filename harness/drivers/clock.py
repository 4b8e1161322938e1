"""Virtual time: simpy's clock, and processes on it that sleep or wait to be woken.

A simpy process may wait for any event, and pays for a new one at every step. What runs in
the simulator only ever sleeps for some seconds or until somebody wakes it, so one event
that is set again and again is enough. What falls due is a function that says in how many
seconds it wants to be called again; the ``send`` of a generator that yields how long it
sleeps is such a function. Things due at the same moment happen in the order in which they
were set down. Nothing here knows what a node or a queue is.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import simpy
from simpy.events import NORMAL, URGENT

UNTIL_WOKEN = float("inf")

# Yields seconds to sleep, or UNTIL_WOKEN; is sent what it was woken with, else None.
Steps = Generator[float, Any, Any]
GoOn = Callable[[Any], float]


class _Due(simpy.Event):
    """Calls ``go_on`` when it falls due, and sets itself again if it is told to."""

    def __init__(self, clock: Clock, go_on: GoOn) -> None:
        super().__init__(clock)
        self._go_on = go_on
        self._answer: Any = None
        self._ok, self._value = True, None
        self._ring: list[Any] = [self._fall_due]

    def set(self, seconds: float, answer: Any = None, priority: Any = NORMAL) -> None:
        """Fall due in that many seconds, then with that answer; it must not be set already."""
        self._answer = answer
        self.callbacks = self._ring  # simpy takes them off an event that was processed
        self.env.schedule(self, priority, seconds)

    def cancel(self) -> None:
        """Never fall due."""
        self.callbacks = []

    def _fall_due(self, _: simpy.Event) -> None:
        answer, self._answer = self._answer, None
        try:
            seconds = self._go_on(answer)
        except StopIteration:
            return
        if seconds < UNTIL_WOKEN:
            self.callbacks = self._ring
            self.env.schedule(self, NORMAL, seconds)


class Clock(simpy.Environment):
    """``now`` is the time in seconds since the start of the run."""

    def __init__(self) -> None:
        super().__init__()
        self._over = self.event()

    def after(self, seconds: float, go_on: GoOn, answer: Any = None) -> None:
        """Call ``go_on(answer)`` that many seconds from now."""
        _Due(self, go_on).set(seconds, answer)

    def run_until_stopped(self) -> None:
        """Let time pass until :meth:`stop`."""
        self.run(until=self._over)

    def stop(self) -> None:
        """End the run, after everything that is due by now."""
        self._over.succeed()


class Process:
    """Carries ``steps`` out on the clock, from this moment on, before all that is due now."""

    def __init__(self, clock: Clock, steps: Steps) -> None:
        self._clock = clock
        self._steps = steps
        self._due = _Due(clock, steps.send)
        self._due.set(0.0, priority=URGENT)

    def wake(self, answer: Any = None) -> None:
        """End a sleep ``UNTIL_WOKEN`` at this moment, with ``answer``."""
        self._due.set(0.0, answer)

    def hurry(self) -> None:
        """End a sleep of some seconds at this moment."""
        self._start_over()
        self._due.set(0.0)

    def interrupt(self, error: Exception) -> None:
        """Raise ``error`` in the steps, now, wherever they sleep."""
        self._start_over()
        seconds = self._steps.throw(error)
        if seconds < UNTIL_WOKEN:
            self._due.set(seconds)

    def end(self) -> None:
        """Leave the steps where they are, for good."""
        self._steps.close()

    def _start_over(self) -> None:
        # The old one may still be due at some time, which cannot be taken back.
        self._due.cancel()
        self._due = _Due(self._clock, self._steps.send)
