"""Celery on Redis at its defaults, but that it acknowledges late: work | enqueue."""

import os
import sys
import time
from pathlib import Path

from celery import Celery

app = Celery("app", broker=os.environ["SERVER"])
app.conf.update(task_acks_late=True, worker_prefetch_multiplier=1)


@app.task(name="job")
def job() -> None:
    with Path(os.environ["STARTS"]).open("a") as starts:
        print(time.monotonic(), file=starts)
    time.sleep(600)


if __name__ == "__main__":
    if sys.argv[1] == "enqueue":
        job.delay()
    else:
        with Path(os.environ["LOOKS"]).open("a") as looks:
            print(time.monotonic(), file=looks)
        app.worker_main(["worker", "-c", "2", "-l", "ERROR"])
