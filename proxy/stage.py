"""One toxic at work on one direction of one connection: the inbox and the timer behind it.

It drives the toxic's generator and hands on what that writes, in the same call: there are
no tasks here, so that adding, changing and removing a toxic is done when the call returns.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Protocol

from .applied import Applied
from .toxics.toxic import READ, Chunk, Pipe, Read, Sleep

LONGEST_TIMER_S = 3600.0


class Output(Protocol):
    """What stands behind a stage: another one, or the end of the lane."""

    def feed(self, chunk: Chunk) -> None: ...

    def end(self) -> None: ...


class Stage:
    """Chunks go in by ``feed`` and out to ``output``; see ``toxics.toxic.Stage`` for the rest.

    ``noted`` is called with the stage whenever its being full or over may have changed.
    """

    def __init__(
        self, applied: Applied, rng: Random, output: Output, noted: Callable[[Stage], None]
    ) -> None:
        self.applied = applied
        self.rng = rng
        self.output = output
        self.over = False  # it has passed on the end of the stream
        self.passed = 0
        self._noted = noted
        self._inbox: deque[Chunk] = deque()
        self._ended = False  # the end of the stream stands behind the inbox
        self._pipe: Pipe | None = None  # None: chunks pass by
        self._wait: Read | Sleep = READ
        self._rung = False  # the time that the toxic waits for has come
        self._due_s = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._busy = False

    # -- what the toxic sees ----------------------------------------------------------------

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def write(self, chunk: Chunk) -> None:
        if not self.over:
            self.passed += len(chunk.data)
            self.output.feed(chunk)

    def close(self) -> None:
        if not self.over:
            self._abandon()
            self.output.end()
            self._noted(self)

    # -- what the lane does -----------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """Nothing of this stage can be noticed: chunks pass, and none is held."""
        return self._pipe is None and not self.over

    @property
    def full(self) -> bool:
        return len(self._inbox) >= self.applied.kind.holds

    def feed(self, chunk: Chunk) -> None:
        if not self.over:
            self._inbox.append(chunk)
            self._work()

    def end(self) -> None:
        self._ended = True
        self._work()

    def run(self) -> None:
        """Begin, or begin again after ``interrupt``; the dice say whether the toxic acts."""
        if self.over:
            return
        if self.rng.random() < self.applied.toxicity:
            self._pipe = self.applied.toxic.pipe(self)
            self._rung = True  # a generator begins by being resumed
        self._work()

    def interrupt(self) -> None:
        """Stop the toxic. What it had in its hands goes out, the inbox stays."""
        self._stop_timer()
        pipe, self._pipe = self._pipe, None
        if pipe:
            pipe.close()

    def flush(self) -> None:
        """After ``interrupt``: let out the inbox too, and the end if it has come."""
        self._work()

    def discard(self) -> None:
        """Drop everything and never write again."""
        if not self.over:
            self._abandon()

    # -- the machine ------------------------------------------------------------------------

    def _abandon(self) -> None:
        self.over = True
        self._inbox.clear()
        self._stop_timer()
        pipe, self._pipe = self._pipe, None
        if pipe and not self._busy:
            pipe.close()

    def _work(self) -> None:
        """Go on as long as there is something to do. Calls from within the toxic return."""
        if self._busy:
            return
        self._busy = True
        try:
            while not self.over and self._turn():
                pass
        finally:
            self._busy = False
        self._noted(self)

    def _turn(self) -> bool:
        if self._pipe and self._rung:
            self._resume(None)
        elif self._pipe and isinstance(self._wait, Sleep):
            return False
        elif self._inbox:
            chunk = self._inbox.popleft()
            if self._pipe:
                self._resume(chunk)
            else:
                self.output.feed(chunk)
        elif self._ended:
            if self._pipe:
                self._resume(None)
            else:
                self.close()
        else:
            return False
        return True

    def _resume(self, value: Chunk | None) -> None:
        """Send the toxic what it waited for and start the clock of its next wait."""
        self._stop_timer()
        self._rung = False
        pipe = self._pipe
        assert pipe
        try:
            self._wait = pipe.send(value)
        except StopIteration:
            self.close()
            return
        if self.over:  # the sink was lost while the toxic wrote to it
            pipe.close()
            return
        wait_s = self._wait.s if isinstance(self._wait, Sleep) else self._wait.within_s
        if wait_s < 0:
            self._rung = True
        elif wait_s < math.inf:
            self._due_s = asyncio.get_running_loop().time() + wait_s
            self._start_timer(wait_s)

    def _start_timer(self, wait_s: float) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(min(wait_s, LONGEST_TIMER_S), self._ring)

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        left_s = self._due_s - asyncio.get_running_loop().time()
        if left_s > 0:  # a timer never sleeps longer than LONGEST_TIMER_S
            self._start_timer(left_s)
        else:
            self._rung = True
            self._work()
