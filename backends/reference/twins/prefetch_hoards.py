"""A worker takes several jobs at once and runs them one after the other.

What lies behind a long job in its buffer waits for that job, while other workers have nothing to
do. It keeps the leases of what it hoards, so the queue believes that all of it is being done.

Bug class: prefetch that hoards. Found by: no_starvation.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from typing import Any

from msgspec.structs import replace

from ....protocol.commands import Delivery, Extend, Lease, Leased
from ....protocol.repeat import Attempt, until_answered
from ....protocol.worker import Worker, WorkerOptions
from ....protocol.worker import worker as correct_worker
from ..adapter import ReferenceAdapter
from ..altered import altered_worker

PREFETCHED = 4


def worker(name: str, queues: tuple[str, ...], options: WorkerOptions) -> Worker:
    buffer: deque[Delivery] = deque()

    def carry(want: Any) -> Generator[Any, Any, Any]:
        if not isinstance(want, Attempt):
            return (yield want)
        if isinstance(want.command, Extend):
            for waiting in buffer:
                yield from until_answered(Extend(waiting.job.id, waiting.token, options.lease_s))
        if not isinstance(want.command, Lease):
            return (yield want)
        if buffer:
            return Leased(buffer.popleft())
        first = yield want
        if isinstance(first, Leased) and first.delivery:
            while len(buffer) < PREFETCHED - 1:  # the mistake
                more = yield Attempt(replace(want.command, wait_s=0.0))
                if not isinstance(more, Leased) or more.delivery is None:
                    break
                buffer.append(more.delivery)
        return first

    return altered_worker(correct_worker(name, queues, options), carry)


TWIN = ReferenceAdapter(
    "twin-prefetch-hoards",
    "broken: a worker takes four jobs at once and runs one of them",
    violates="no_starvation",
    worker=worker,
    bug_class="prefetch that hoards",
    contract_test="test_urgent_jobs_overtake_a_burst",
)
