"""A Celery app of somebody's: nothing of jobquake is in it. Its settings come from outside."""

from __future__ import annotations

import json
import os
import time

from celery import Celery

app = Celery("shop", broker="redis://localhost:6379/0")
app.conf.update(json.loads(os.environ.get("SHOP_SETTINGS", "{}")))


@app.task(name="shop.charge")  # type: ignore[untyped-decorator]
def charge(order: int, amount: int = 1) -> int:
    time.sleep(0.05)
    return order


@app.task(name="shop.refuse")  # type: ignore[untyped-decorator]
def refuse(order: int) -> None:
    raise ValueError(f"order {order} has no address")


def order_of(number: int) -> list[int]:
    return [number]
