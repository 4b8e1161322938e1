"""A worker of several queues looks into the next one only when the one before is empty.

As long as the first queue is never quite empty, no other is served, however little its jobs ask
for. Mails wait behind imports for as long as there are imports.

Bug class: starvation by strict order of queues. Found by: no_starvation.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from msgspec.structs import replace

from ....protocol.commands import Lease, Leased
from ....protocol.repeat import Attempt
from ....protocol.worker import Worker, WorkerOptions
from ....protocol.worker import worker as correct_worker
from ..adapter import ReferenceAdapter
from ..altered import altered_worker


def worker(name: str, queues: tuple[str, ...], options: WorkerOptions) -> Worker:
    def carry(want: Any) -> Generator[Any, Any, Any]:
        if isinstance(want, Attempt) and isinstance(want.command, Lease):
            for queue in queues[:-1]:
                look = replace(want.command, queues=(queue,), wait_s=0.0)
                reply = yield Attempt(look)  # the mistake: one after the other, never together
                if not isinstance(reply, Leased) or reply.delivery:
                    return reply
        return (yield want)

    return altered_worker(correct_worker(name, queues, options), carry)


TWIN = ReferenceAdapter(
    "twin-strict-order-starves",
    "broken: a queue is served only while those before it are empty",
    violates="no_starvation",
    worker=worker,
    bug_class="starvation by strict order of queues",
    contract_test="test_urgent_jobs_overtake_a_burst",
)
