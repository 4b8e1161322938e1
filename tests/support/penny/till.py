"""A queue of somebody's on Penny: nothing of jobquake is in it."""

from __future__ import annotations

import time

from penny import Queue

queue = Queue("localhost", 6379)


@queue.task
def charge(order: int) -> None:
    time.sleep(0.05)
