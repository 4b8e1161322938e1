"""The time of a stage: leaping, where that can be had, so that a minute costs seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from ..leap.clock import LeapingClock
from ..leap.self_test import works


class Clock(Protocol):
    """As much of :class:`..leap.clock.LeapingClock` as a stage needs."""

    @property
    def environment(self) -> dict[str, str]: ...
    def now_s(self) -> float: ...
    def wait(self, seconds: float) -> None: ...
    def guest(self) -> AbstractContextManager[None]: ...
    def new_event_loop(self) -> asyncio.AbstractEventLoop: ...


class RealClock:
    """The machine's own."""

    def __init__(self) -> None:
        self.environment: dict[str, str] = {}

    def now_s(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)

    def guest(self) -> AbstractContextManager[None]:
        return nullcontext()

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.new_event_loop()


@contextmanager
def clock_for(mark: str, leaping: bool | None = None) -> Iterator[Clock]:
    """A clock for the run of that mark; ``leaping`` None: if it can be had here."""
    if leaping is False or (leaping is None and works() is not None):
        yield RealClock()
        return
    with LeapingClock(mark) as clock:
        yield clock
