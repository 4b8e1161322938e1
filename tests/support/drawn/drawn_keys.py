"""A queue whose workers draw the idempotency key of each effect from the module ``random``.

That is correct as long as no two of them draw the same numbers.
"""

from __future__ import annotations

import random
from collections.abc import Generator
from typing import Any

from jobquake.adapters import Worker, WorkerOptions
from jobquake.adapters import worker as correct_worker
from jobquake.backends.reference.adapter import ReferenceAdapter
from jobquake.backends.reference.altered import altered_worker
from jobquake.protocol.worker import ApplyEffect


def worker(name: str, queues: tuple[str, ...], options: WorkerOptions) -> Worker:
    def carry(want: Any) -> Generator[Any, Any, Any]:
        if isinstance(want, ApplyEffect):
            want = ApplyEffect(want.delivery, f"{random.getrandbits(64):x}")
        return (yield want)

    return altered_worker(correct_worker(name, queues, options), carry)


BACKEND = ReferenceAdapter("drawn", "workers draw their idempotency keys", worker=worker)
