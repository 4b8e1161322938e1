"""A shop on Procrastinate: nothing of jobquake is in it.

Where SHOP has a line of cron as ``retry_stalled_jobs``, it has the periodic task of that name in
Procrastinate's documentation.
"""

from __future__ import annotations

import json
import os
from typing import Any

from procrastinate import App, PsycopgConnector

SETTINGS = json.loads(os.environ.get("SHOP", "{}"))
cron = SETTINGS.pop("retry_stalled_jobs", "")
app = App(
    connector=PsycopgConnector(conninfo="host=localhost dbname=shop"), worker_defaults=SETTINGS
)

if cron:

    @app.periodic(cron=cron)
    @app.task(queueing_lock="retry_stalled_jobs", pass_context=True)
    async def retry_stalled_jobs(context: Any, timestamp: int) -> None:
        for job in await app.job_manager.get_stalled_jobs():
            await app.job_manager.retry_job(job)
