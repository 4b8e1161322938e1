"""A job given up on is first acknowledged, and then written to the dead letters.

Out of the one queue, into the other, in two calls. A worker that dies between them leaves
nothing to look at and nothing to replay.

Bug class: dead letter written after the ack. Found by: no_lost_work.
"""

from __future__ import annotations

from collections.abc import Generator
from random import Random
from typing import Any

from msgspec.structs import replace

from ....protocol.commands import Ack, Delivery, Nack
from ....protocol.repeat import Attempt, until_answered
from ....protocol.worker import At, Worker, WorkerOptions
from ....protocol.worker import worker as correct_worker
from .. import core
from ..adapter import ReferenceAdapter
from ..altered import altered_worker
from ..core import Ruling
from ..record import Record

WRITE_WITHIN_S = 10.0


def nack(
    record: Record, token: int, error: str, permanent: bool, now: float, rng: Random
) -> Ruling:
    if record.state == "done" and token == record.settled_token:
        until = record.ended_at + WRITE_WITHIN_S
        record = replace(record, state="leased", settled_token=0, lease_until=until)
    return core.nack(record, token, error, permanent, now, rng)


def worker(name: str, queues: tuple[str, ...], options: WorkerOptions) -> Worker:
    held: Delivery | None = None

    def carry(want: Any) -> Generator[Any, Any, Any]:
        nonlocal held
        if isinstance(want, At):
            held = want.delivery
        command = want.command if isinstance(want, Attempt) else None
        if isinstance(command, Nack) and held:
            if command.permanent or held.number >= held.job.max_deliveries:
                yield from until_answered(Ack(held.job.id, held.token))  # the mistake
            held = None
        return (yield want)

    return altered_worker(correct_worker(name, queues, options), carry)


TWIN = ReferenceAdapter(
    "twin-dead-letter-after-ack",
    "broken: a job given up on is acked first and written to the dead letters then",
    violates="no_lost_work",
    decisions=core.CORRECT._replace(nack=nack),
    worker=worker,
    bug_class="dead letter written after the ack",
    contract_test="test_a_worker_may_die_while_it_gives_a_job_up",
)
