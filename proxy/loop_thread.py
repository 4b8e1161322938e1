"""An event loop in a daemon thread of its own, for a server inside of a program that has none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class LoopClock(Protocol):
    """A clock that an event loop can go by, such as the leaping one."""

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """A loop whose time is the clock's."""

    def guest(self) -> AbstractContextManager[None]:
        """The block in which the thread that runs the loop takes part."""


class LoopThread:
    """Runs from its making until :meth:`stop`, by ``clock``; used from other threads only."""

    def __init__(self, name: str, clock: LoopClock | None = None) -> None:
        self._loop = clock.new_event_loop() if clock else asyncio.new_event_loop()
        self._part = clock.guest() if clock else nullcontext()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with self._part:
            self._loop.run_forever()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run it on the loop, and wait for what it returns."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def call(self, function: Callable[[], T]) -> T:
        """Call it on the loop, and wait for what it returns."""

        async def called() -> T:
            return function()

        return self.run(called())

    def stop(self) -> None:
        """End the loop and the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
