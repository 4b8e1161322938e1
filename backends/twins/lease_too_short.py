"""The lease is shorter than the job, and nobody extends it.

The queue takes the job from a living worker and gives it to the next one: the same
report goes out twice with no crash anywhere. Found by: no_duplicated_effects.
"""

from __future__ import annotations

from msgspec.structs import replace

from ..commands import Ack, Nack, Release
from ..reference.adapter import ReferenceAdapter
from ..worker import (
    ApplyEffect,
    At,
    Finished,
    Stopping,
    Worker,
    WorkerOptions,
    effect_key,
    perform,
    receive,
    settle,
)

LEASE_S = 0.2


def worker(name: str, queues: tuple[str, ...], options: WorkerOptions) -> Worker:
    options = replace(options, lease_s=LEASE_S)  # the mistake, with extends=False below
    while not (yield Stopping()):
        delivery = yield from receive(name, queues, options)
        if delivery is None:
            continue
        yield At("after_lease", delivery)
        ending = yield from perform(delivery, options, extends=False)
        if isinstance(ending, Nack | Release):
            settled = yield from settle(ending)
        else:
            yield At("before_effect", delivery)
            yield ApplyEffect(delivery, effect_key(delivery))
            yield At("after_effect", delivery)
            settled = yield from settle(Ack(delivery.job.id, delivery.token))
            yield At("after_ack", delivery)
        yield Finished(delivery, settled)


TWIN = ReferenceAdapter(
    "twin-lease-too-short",
    "broken: the lease is shorter than the job and is not extended",
    violates="no_duplicated_effects",
    worker=worker,
)
