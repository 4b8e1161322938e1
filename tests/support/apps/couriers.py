"""Brokers of somebody's taskiq, a list and a stream: nothing of jobquake is in them."""

from __future__ import annotations

import asyncio
import json
import os

from taskiq_redis import (  # type: ignore[import-not-found]
    ListQueueBroker,
    RedisAsyncResultBackend,
    RedisStreamBroker,
)

URL = "redis://localhost:6379/0"
popped = ListQueueBroker(URL, queue_name="popped")
patient = ListQueueBroker(URL, queue_name="patient", socket_timeout=None)
kept = RedisStreamBroker(
    URL, queue_name="kept", **json.loads(os.environ.get("SETTINGS", "{}"))
).with_result_backend(RedisAsyncResultBackend(URL))


@popped.task(task_name="charge")  # type: ignore[untyped-decorator]
async def charge(order: int) -> None:
    await asyncio.sleep(0.05)


@kept.task(task_name="charge_once")  # type: ignore[untyped-decorator]
def charge_once(order: int) -> int:
    return order


@kept.task(task_name="refuse")  # type: ignore[untyped-decorator]
async def refuse(order: int) -> None:
    raise ValueError(f"order {order} has no address")
