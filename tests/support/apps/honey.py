"""A Huey of somebody's: nothing of jobquake is in it."""

from __future__ import annotations

import time

from huey import RedisHuey  # type: ignore[import-not-found]

huey = RedisHuey("payments", host="localhost", port=6379)


@huey.task()  # type: ignore[untyped-decorator]
def charge(order: int) -> None:
    time.sleep(0.05)


@huey.task(retries=1)  # type: ignore[untyped-decorator]
def refuse(order: int) -> None:
    raise ValueError(f"order {order} has no address")
