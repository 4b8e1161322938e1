"""An event loop in a thread of its own, on which a producer calls a client of coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Thread
from typing import Any


def on_loop() -> Callable[[Any], Any]:
    """A function that runs a coroutine on that loop and returns what it returns."""
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, daemon=True).start()
    return lambda coroutine: asyncio.run_coroutine_threadsafe(coroutine, loop).result()
