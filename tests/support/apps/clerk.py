"""A Procrastinate app of somebody's: nothing of jobquake is in it.

With CLERK_RESCUES, a line of cron, it has the periodic task of the documentation, which retries
the jobs of dead workers.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

from procrastinate import (  # type: ignore[import-not-found]
    App,
    PsycopgConnector,
    RetryStrategy,
)

app = App(
    connector=PsycopgConnector(conninfo="host=localhost dbname=shop user=shop password=secret"),
    worker_defaults=json.loads(os.environ.get("CLERK_WORKER", "{}")),
)


@app.task(name="clerk.charge", queue="payments")  # type: ignore[untyped-decorator]
def charge(order: int) -> None:
    time.sleep(0.05)


@app.task(name="clerk.refuse", retry=RetryStrategy(max_attempts=1))  # type: ignore[untyped-decorator]
async def refuse(order: int) -> None:
    raise ValueError(f"order {order} has no address")


if os.environ.get("CLERK_RESCUES"):

    @app.periodic(cron=os.environ["CLERK_RESCUES"])  # type: ignore[untyped-decorator]
    @app.task(name="clerk.rescue", queueing_lock="rescue", pass_context=True)  # type: ignore[untyped-decorator]
    async def rescue(context: Any, timestamp: int) -> None:
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=5):
            await app.job_manager.retry_job(job)
