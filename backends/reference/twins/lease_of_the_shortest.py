"""The lease is a setting of the queue, chosen for its quickest job, and nobody extends it.

It fitted the day on which it was set. Then somebody put a job into the same queue that takes a
hundred times as long, and it runs twice, or ten times, all at once.

Bug class: visibility timeout of a queue shorter than its longest job.
Found by: no_duplicated_effects.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from msgspec.structs import replace

from ....protocol.commands import Lease
from ....protocol.repeat import Attempt
from ....protocol.worker import At, Worker, WorkerOptions
from ....protocol.worker import worker as correct_worker
from ..adapter import ReferenceAdapter
from ..altered import altered_worker


def worker(name: str, queues: tuple[str, ...], options: WorkerOptions) -> Worker:
    lease_s = options.lease_s

    def carry(want: Any) -> Generator[Any, Any, Any]:
        nonlocal lease_s
        if isinstance(want, At):
            lease_s = min(lease_s, want.delivery.job.timeout_s)  # the mistake: for all jobs
        if isinstance(want, Attempt) and isinstance(want.command, Lease):
            want = Attempt(replace(want.command, lease_s=lease_s))
        return (yield want)

    return altered_worker(correct_worker(name, queues, options, extends=False), carry)


TWIN = ReferenceAdapter(
    "twin-lease-of-the-shortest",
    "broken: the lease fits the quickest job of a queue and is not extended",
    violates="no_duplicated_effects",
    worker=worker,
    bug_class="visibility timeout of a queue shorter than its longest job",
    contract_test="test_a_job_that_outlasts_its_lease_is_run_once",
)
