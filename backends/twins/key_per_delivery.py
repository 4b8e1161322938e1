"""The worker makes a new idempotency key at every delivery.

The card company would have recognised the second charge by its key, but the key is
another one each time: a redelivery charges twice. Found by: no_duplicated_effects.
"""

from __future__ import annotations

from ..reference.adapter import ReferenceAdapter
from ..worker import ApplyEffect, Worker, WorkerOptions
from ..worker import worker as correct_worker


def worker(name: str, queues: tuple[str, ...], options: WorkerOptions) -> Worker:
    wants = correct_worker(name, queues, options)
    want = next(wants)
    while True:
        if isinstance(want, ApplyEffect):
            delivery = want.delivery
            want = ApplyEffect(delivery, f"{want.key}#{delivery.number}")  # the mistake
        answer = yield want
        try:
            want = wants.send(answer)
        except StopIteration:
            return


TWIN = ReferenceAdapter(
    "twin-key-per-delivery",
    "broken: every delivery uses an idempotency key of its own",
    violates="no_duplicated_effects",
    worker=worker,
)
