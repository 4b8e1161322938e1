"""A worker that is told to stop throws away what it holds, and reports it done.

Every deploy loses a handful of jobs, and nothing looks wrong. Found by: no_lost_work.
"""

from __future__ import annotations

from typing import Any

from ..commands import Ack, Release
from ..reference.adapter import ReferenceAdapter
from ..repeat import Attempt
from ..worker import Worker, WorkerOptions
from ..worker import worker as correct_worker


def worker(name: str, queues: tuple[str, ...], options: WorkerOptions) -> Worker:
    wants = correct_worker(name, queues, options)
    answer: Any = None
    while True:
        try:
            want = wants.send(answer)
        except StopIteration:
            return
        if isinstance(want, Attempt) and isinstance(want.command, Release):
            want = Attempt(Ack(want.command.job_id, want.command.token))  # the mistake
        answer = yield want


TWIN = ReferenceAdapter(
    "twin-shutdown-drops",
    "broken: a worker that is told to stop acks the job that it has not done",
    violates="no_lost_work",
    worker=worker,
)
