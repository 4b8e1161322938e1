"""A shop on Procrastinate: it charges orders, slowly, and asks each minute for jobs that stalled.

The periodic task is the one of Procrastinate's documentation.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from procrastinate import App, PsycopgConnector

SERVICE_S = 300.0
STALLED_S = 400  # no order takes that long
app = App(connector=PsycopgConnector(conninfo=os.environ["SHOP_BROKER"]))


def note(line: str) -> None:
    """Append to the shop's ledger; it is there whatever happens next."""
    file = os.open(os.environ["SHOP_LEDGER"], os.O_WRONLY | os.O_APPEND)
    os.write(file, line.encode() + b"\n")
    os.close(file)


@app.task(name="charge")
async def charge(order: str) -> None:
    tries = Path(os.environ["SHOP_LEDGER"]).read_text().splitlines().count(f"began {order}")
    note(f"began {order}")
    # A third try is one too many; it need not take long to be seen.
    await asyncio.sleep(SERVICE_S if tries < 2 else 0.0)
    note(f"charged {order}")


@app.periodic(cron="* * * * *")
@app.task(name="retry_stalled_jobs", queueing_lock="retry_stalled_jobs", pass_context=True)
async def retry_stalled_jobs(context: Any, timestamp: int) -> None:
    for job in await app.job_manager.get_stalled_jobs(nb_seconds=STALLED_S):
        if job.task_name == charge.name:
            note(f"rescued {job.task_kwargs['order']}")
        await app.job_manager.retry_job(job)


# -- what a client asks -------------------------------------------------------------------


def prepare() -> None:
    """Make Procrastinate's tables."""
    with app.open():
        app.schema_manager.apply_schema()


def submit(order: str) -> None:
    with app.open():
        charge.defer(order=order)
