"""Actors of somebody's Dramatiq: nothing of jobquake is in it."""

from __future__ import annotations

import json
import os
import time

import dramatiq
from dramatiq.brokers.redis import RedisBroker

broker = RedisBroker(
    host="localhost", port=6379, **json.loads(os.environ.get("BROKER_SETTINGS", "{}"))
)
dramatiq.set_broker(broker)


@dramatiq.actor(queue_name="payments")  # type: ignore[untyped-decorator]
def charge(order: int) -> None:
    time.sleep(0.05)


@dramatiq.actor(max_retries=1, min_backoff=100)  # type: ignore[untyped-decorator]
def refuse(order: int) -> None:
    raise ValueError(f"order {order} has no address")
