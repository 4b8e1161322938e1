"""An RQ queue of somebody's: nothing of jobquake is in it."""

from __future__ import annotations

import time

from redis import Redis
from rq import Queue

queue = Queue("payments", connection=Redis("localhost", 6379))
queues = [Queue("urgent", connection=queue.connection), queue]


def charge(order: int, amount: int = 1) -> int:
    time.sleep(0.05)
    return order


def refuse(order: int) -> None:
    raise ValueError(f"order {order} has no address")
