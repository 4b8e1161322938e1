"""RQ that monitors, looks and maintains every second, so that each adds little: work | enqueue."""

import os
import sys
import time
from pathlib import Path

from redis import Redis
from rq import Queue, Retry, Worker


def job() -> None:
    with Path(os.environ["STARTS"]).open("a") as starts:
        print(time.monotonic(), file=starts)
    time.sleep(600)


if __name__ == "__main__":
    import rq_app

    connection = Redis.from_url(os.environ["SERVER"])
    queue = Queue("q", connection=connection)
    if sys.argv[1] == "enqueue":
        queue.enqueue(rq_app.job, job_timeout=900, retry=Retry(max=3))
    else:
        with Path(os.environ["LOOKS"]).open("a") as looks:
            print(time.monotonic(), file=looks)
        Worker(
            [queue],
            connection=connection,
            maintenance_interval=1,
            job_monitoring_interval=1,
            worker_ttl=16,
        ).work(logging_level="ERROR")
