"""The heartbeat is sent by the thread that runs the job, whenever the job lets it.

A job that is busy in one long call lets it not at all. Its lease ends, the queue believes the
worker dead, and somebody else does the same work while the first is still at it.

Bug class: heartbeat on the blocked thread. Found by: no_duplicated_effects.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from msgspec.structs import replace

from ....protocol.worker import Work, Worker, WorkerOptions
from ....protocol.worker import worker as correct_worker
from ..adapter import ReferenceAdapter
from ..altered import altered_worker

NEVER_LETS_GO_S = float("inf")


def worker(name: str, queues: tuple[str, ...], options: WorkerOptions) -> Worker:
    def carry(want: Any) -> Generator[Any, Any, Any]:
        if isinstance(want, Work):
            want = replace(want, at_most_s=NEVER_LETS_GO_S)  # the mistake
        return (yield want)

    return altered_worker(correct_worker(name, queues, options), carry)


TWIN = ReferenceAdapter(
    "twin-heartbeat-blocked",
    "broken: the heartbeat waits for the job that it should keep alive",
    violates="no_duplicated_effects",
    worker=worker,
    bug_class="heartbeat on the blocked thread",
    contract_test="test_a_job_that_outlasts_its_lease_is_run_once",
)
