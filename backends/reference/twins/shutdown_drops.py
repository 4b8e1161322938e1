"""A worker that is told to stop throws away what it holds, and reports it done.

Every deploy loses a handful of jobs, and nothing looks wrong.

Bug class: shutdown that drops what is in work. Found by: no_lost_work.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from ....protocol.commands import Ack, Release
from ....protocol.repeat import Attempt
from ....protocol.worker import Worker, WorkerOptions
from ....protocol.worker import worker as correct_worker
from ..adapter import ReferenceAdapter
from ..altered import altered_worker


def worker(name: str, queues: tuple[str, ...], options: WorkerOptions) -> Worker:
    def carry(want: Any) -> Generator[Any, Any, Any]:
        if isinstance(want, Attempt) and isinstance(want.command, Release):
            want = Attempt(Ack(want.command.job_id, want.command.token))  # the mistake
        return (yield want)

    return altered_worker(correct_worker(name, queues, options), carry)


TWIN = ReferenceAdapter(
    "twin-shutdown-drops",
    "broken: a worker that is told to stop acks the job that it has not done",
    violates="no_lost_work",
    worker=worker,
    bug_class="shutdown that drops what is in work",
    contract_test="test_workers_that_are_told_to_stop_drop_nothing",
)
