"""The worker makes a new idempotency key at every delivery.

The card company would have recognised the second charge by its key, but the key is
another one each time: a redelivery charges twice.

Bug class: idempotency key made anew at each delivery. Found by: no_duplicated_effects.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from ....protocol.worker import ApplyEffect, Worker, WorkerOptions
from ....protocol.worker import worker as correct_worker
from ..adapter import ReferenceAdapter
from ..altered import altered_worker


def worker(name: str, queues: tuple[str, ...], options: WorkerOptions) -> Worker:
    def carry(want: Any) -> Generator[Any, Any, Any]:
        if isinstance(want, ApplyEffect):
            delivery = want.delivery
            want = ApplyEffect(delivery, f"{want.key}#{delivery.number}")  # the mistake
        return (yield want)

    return altered_worker(correct_worker(name, queues, options), carry)


TWIN = ReferenceAdapter(
    "twin-key-per-delivery",
    "broken: every delivery uses an idempotency key of its own",
    violates="no_duplicated_effects",
    worker=worker,
    bug_class="idempotency key made anew at each delivery",
    contract_test="test_a_worker_may_die_at_any_point",
)
