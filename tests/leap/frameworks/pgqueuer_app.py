"""PGQueuer at its defaults: a heartbeat that is 30 s old makes a job anybody's: work | enqueue."""

import asyncio
import os
import sys
import time
from pathlib import Path

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries


async def main(what: str) -> None:
    driver = AsyncpgDriver(await asyncpg.connect(os.environ["SERVER"]))
    if what == "enqueue":
        await Queries(driver).enqueue("job", b"")
        return
    if what == "prepare":
        await Queries(driver).install()
        return
    workers = PgQueuer(driver)

    @workers.entrypoint("job")
    async def job(job: Job) -> None:
        with Path(os.environ["STARTS"]).open("a") as starts:
            print(time.monotonic(), file=starts)
        await asyncio.sleep(600)

    with Path(os.environ["LOOKS"]).open("a") as looks:
        print(time.monotonic(), file=looks)
    await workers.run()


asyncio.run(main(sys.argv[1]))
