"""Each worker makes its idempotency keys from a random start and a count, and all start alike.

Workers that were forked, or restored from one image, after their generator had been seeded all
draw the same numbers. The first job of one and the first job of another get the same key: the card
company takes the second charge for a repetition of the first, and one customer is never charged.

Bug class: random numbers of workers that are seeded alike. Found by: no_lost_work.
"""

from __future__ import annotations

from collections.abc import Generator
from itertools import count
from random import Random
from typing import Any

from ....protocol.worker import ApplyEffect, Worker, WorkerOptions
from ....protocol.worker import worker as correct_worker
from ..adapter import ReferenceAdapter
from ..altered import altered_worker

SEED = 0  # of every worker


def worker(name: str, queues: tuple[str, ...], options: WorkerOptions) -> Worker:
    start, made = Random(SEED).getrandbits(64), count()  # the mistake
    keys: dict[str, str] = {}

    def carry(want: Any) -> Generator[Any, Any, Any]:
        if isinstance(want, ApplyEffect):
            key = keys.setdefault(want.key, f"{start:x}-{next(made)}")
            want = ApplyEffect(want.delivery, key)
        return (yield want)

    return altered_worker(correct_worker(name, queues, options), carry)


TWIN = ReferenceAdapter(
    "twin-keys-seeded-alike",
    "broken: all workers draw the same random numbers for their idempotency keys",
    violates="no_lost_work",
    worker=worker,
    bug_class="random numbers of workers that are seeded alike",
    contract_test="test_a_worker_may_die_at_any_point",
)
