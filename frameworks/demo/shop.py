"""A small shop on Celery as many start: nothing is set. ``SHOP=safe`` sets what Celery recommends.

It is an app like anybody's: nothing of jobquake is in it.
"""

from __future__ import annotations

import os
import time

from celery import Celery

app = Celery("shop", broker="redis://localhost:6379/0")
app.conf.worker_concurrency = 2
if os.environ.get("SHOP") == "safe":
    app.conf.task_acks_late = True
    app.conf.task_reject_on_worker_lost = True
    app.conf.worker_prefetch_multiplier = 1


@app.task(name="shop.charge")  # type: ignore[untyped-decorator]
def charge(order: int) -> int:
    """Charge the customer, which takes a moment."""
    time.sleep(0.2)
    return order
