"""Jobs of somebody's RQ that end in ways of their own: nothing of jobquake is in it."""

from __future__ import annotations

import os
import time

from redis import Redis
from rq import Queue

ODD = 2  # the order with which it is so
queue = Queue("payments", connection=Redis("localhost", 6379))


def slow(order: int) -> None:
    if order == ODD:
        time.sleep(3000)


def exits(order: int) -> None:
    if order == ODD:
        os._exit(1)


def order_of(number: int) -> list[int]:
    return [number]
