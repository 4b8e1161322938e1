"""The worker acknowledges before it runs the job.

A worker killed during the job takes it along: the queue was told that it is done. This
is the default of several popular libraries.

Bug class: at-most-once by early ack. Found by: no_lost_work.
"""

from __future__ import annotations

from ....protocol.commands import Ack, Nack, Release
from ....protocol.worker import (
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
from ..adapter import ReferenceAdapter


def worker(name: str, queues: tuple[str, ...], options: WorkerOptions) -> Worker:
    while not (yield Stopping()):
        delivery = yield from receive(name, queues, options)
        if delivery is None:
            continue
        yield At("after_lease", delivery)
        settled = yield from settle(Ack(delivery.job.id, delivery.token))  # the mistake
        ending = yield from perform(delivery, options, extends=False)
        if isinstance(ending, Nack | Release):
            settled = yield from settle(ending)
        else:
            yield At("before_effect", delivery)
            yield ApplyEffect(delivery, effect_key(delivery))
            yield At("after_effect", delivery)
            yield At("after_ack", delivery)
        yield Finished(delivery, settled)


TWIN = ReferenceAdapter(
    "twin-ack-before-run",
    "broken: the worker acks before it runs the job",
    violates="no_lost_work",
    worker=worker,
    bug_class="at-most-once by early ack",
    contract_test="test_a_worker_may_die_at_any_point",
)
