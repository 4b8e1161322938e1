"""Each worker counts in its own memory how often a job has failed.

A worker that is started again begins at nought, and so does every other worker that gets the
job. Where workers die or are many, the bound on deliveries is none.

Bug class: retry counter that dies with the worker. Found by: bounded_deliveries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from random import Random
from typing import Any

from msgspec.structs import replace

from ....protocol.commands import Delivery, Nack
from ....protocol.repeat import Attempt
from ....protocol.worker import At, Worker, WorkerOptions
from ....protocol.worker import worker as correct_worker
from .. import core
from ..adapter import ReferenceAdapter
from ..altered import altered_worker
from ..core import Ruling
from ..record import Record


def nack(
    record: Record, token: int, error: str, permanent: bool, now: float, rng: Random
) -> Ruling:
    return core.nack(replace(record, forgiven=record.token - 1), token, error, permanent, now, rng)


def reap(record: Record, now: float, rng: Random) -> Record:
    return core.reap(replace(record, forgiven=record.token), now, rng)


def worker(name: str, queues: tuple[str, ...], options: WorkerOptions) -> Worker:
    failures = Counter[str]()  # the mistake: nobody else knows, and nobody remembers
    held: Delivery | None = None
    told: Attempt | None = None

    def carry(want: Any) -> Generator[Any, Any, Any]:
        nonlocal held, told
        if isinstance(want, At):
            held, told = want.delivery, None
        if isinstance(want, Attempt) and isinstance(want.command, Nack) and held:
            if told is None:  # else it is a repetition
                failures[held.job.id] += 1
                spent = failures[held.job.id] >= held.job.max_deliveries
                command = want.command
                told = Attempt(replace(command, permanent=command.permanent or spent))
            want = told
        return (yield want)

    return altered_worker(correct_worker(name, queues, options), carry)


TWIN = ReferenceAdapter(
    "twin-retries-counted-in-worker",
    "broken: each worker counts a job's failures in its own memory",
    violates="bounded_deliveries",
    decisions=core.CORRECT._replace(nack=nack, reap=reap),
    worker=worker,
    bug_class="retry counter that dies with the worker",
    contract_test="test_deliveries_are_bounded",
)
