"""A shop on RQ: nothing of jobquake is in it."""

from __future__ import annotations

from redis import Redis
from rq import Queue

queue = Queue("shop", connection=Redis("localhost", 6379))
