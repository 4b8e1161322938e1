"""A shop on taskiq and a stream of Redis. Run by taskiq's own worker command."""

from __future__ import annotations

import asyncio
import inspect
import os
from pathlib import Path
from typing import Any

from taskiq_redis import RedisStreamBroker

SERVICE_S = 60.0


def note(line: str) -> None:
    """Append to the shop's ledger; it is there whatever happens next."""
    file = os.open(os.environ["SHOP_LEDGER"], os.O_WRONLY | os.O_APPEND)
    os.write(file, line.encode() + b"\n")
    os.close(file)


def began(order: str) -> bool:
    """Whether somebody has begun it before."""
    return f"began {order}" in Path(os.environ["SHOP_LEDGER"]).read_text().splitlines()


# Where there is such a setting: whoever dies with the lock of those who look has it for so long.
LOCK = "unacknowledged_lock_timeout"
known = inspect.signature(RedisStreamBroker).parameters
broker = RedisStreamBroker(os.environ["SHOP_BROKER"], **({LOCK: 30.0} if LOCK in known else {}))
wide = RedisStreamBroker(os.environ["SHOP_BROKER"], additional_streams={"extra": ">"})


@broker.task(task_name="shop.charge")
async def charge(order: str) -> None:
    """The first try takes too long for whoever kills its worker meanwhile."""
    again = began(order)
    note(f"began {order}")
    await asyncio.sleep(0.0 if again else SERVICE_S)
    note(f"charged {order}")


@wide.task(task_name="shop.mail")
async def mail(order: str) -> None:
    note(f"mailed {order}")


# -- what a client asks -------------------------------------------------------------------


def submit(order: str) -> None:
    async def enqueue() -> None:
        await broker.startup()
        await charge.kicker().with_task_id(order).kiq(order)
        await broker.shutdown()

    asyncio.run(enqueue())


def submit_mail(order: str, stream: str) -> None:
    async def enqueue() -> None:
        await wide.startup()
        await mail.kicker().with_task_id(order).with_labels(queue_name=stream).kiq(order)
        await wide.shutdown()

    asyncio.run(enqueue())


def pending() -> list[dict[str, Any]]:
    """What the stream has handed out and not had acknowledged: by whom, for how long."""
    from redis import Redis

    redis = Redis.from_url(os.environ["SHOP_BROKER"])
    found = redis.xpending_range("taskiq", "taskiq", "-", "+", 10)
    return [{"held_s": one["time_since_delivered"] / 1000} for one in found]


def locks() -> list[str]:
    """The locks that somebody has who claims, or had when he died."""
    from redis import Redis

    redis = Redis.from_url(os.environ["SHOP_BROKER"])
    return [name.decode() for name in redis.scan_iter("autoclaim:*")]
