"""Tasks of somebody's Celery that end in ways of their own: nothing of jobquake is in it."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any

from celery import Celery

ODD = 2  # the order with which it is so

app = Celery("odd", broker="redis://localhost:6379/0")
app.conf.update(json.loads(os.environ.get("SETTINGS", "{}")))


@app.task(name="slow")  # type: ignore[untyped-decorator]
def slow(order: int) -> None:
    if order == ODD:
        time.sleep(3000)


@app.task(name="deaf")  # type: ignore[untyped-decorator]
def deaf(order: int) -> None:
    """Nobody can end it in a friendly way, like a call of a library in C that never returns."""
    if order == ODD:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(3000)


@app.task(name="again", bind=True, max_retries=3, default_retry_delay=2)  # type: ignore[untyped-decorator]
def again(self: Any, order: int) -> None:
    if order == ODD and self.request.retries < 2:
        raise self.retry()


@app.task(name="in_vain", bind=True, max_retries=1, default_retry_delay=1)  # type: ignore[untyped-decorator]
def in_vain(self: Any, order: int) -> None:
    if order == ODD:
        raise self.retry(exc=ValueError("it has no address"))


@app.task(name="exits", acks_late=True)  # type: ignore[untyped-decorator]
def exits(order: int) -> None:
    if order == ODD:
        os._exit(1)


@app.task(name="expires", expires=1)  # type: ignore[untyped-decorator]
def expires(order: int) -> None:
    time.sleep(2)


@app.task(name="passes_on")  # type: ignore[untyped-decorator]
def passes_on(order: int) -> None:
    slow.apply_async((order + 100,))


def order_of(number: int) -> list[int]:
    return [number]
