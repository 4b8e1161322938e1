"""A job is popped off the queue, and then pushed on to the list of what is being worked on.

Two commands where one would do. Between them the job is nowhere but in the worker's memory: a
worker that dies there takes it along, and so does an answer to the pop that never arrives. It
hurts whoever wrote a reliable queue by hand and left its steps apart.

Bug class: lost in the gap between pop and push. Found by: no_lost_work.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from msgspec.structs import replace

from ....protocol.commands import Extend
from ....protocol.repeat import until_answered
from ....protocol.worker import At, Worker, WorkerOptions
from ....protocol.worker import worker as correct_worker
from .. import core
from ..adapter import ReferenceAdapter
from ..altered import altered_store, altered_worker
from ..core import Ruling
from ..record import Record
from ..stores.store import Store


def stored(store: Store) -> Store:
    def swap(old: Record, new: Record, complete_key: str | None = None) -> bool:
        if (old.state, new.state) == ("ready", "leased"):
            new = replace(new, state="done")  # the mistake: popped, and written down nowhere
        return store.swap(old, new, complete_key)

    return altered_store(store, swap=swap)


def extend(record: Record, token: int, lease_s: float, now: float) -> Ruling:
    popped = record.state == "done" and record.token == token != record.settled_token
    return core.extend(replace(record, state="leased") if popped else record, token, lease_s, now)


def worker(name: str, queues: tuple[str, ...], options: WorkerOptions) -> Worker:
    def carry(want: Any) -> Generator[Any, Any, Any]:
        answer = yield want
        if isinstance(want, At) and want.point == "after_lease":
            job, token = want.delivery.job, want.delivery.token
            yield from until_answered(Extend(job.id, token, options.lease_s))  # the push
        return answer

    return altered_worker(correct_worker(name, queues, options), carry)


TWIN = ReferenceAdapter(
    "twin-pop-then-push",
    "broken: a job is popped, and then pushed on to the list of those in work",
    violates="no_lost_work",
    decisions=core.CORRECT._replace(stored=stored, extend=extend),
    worker=worker,
    bug_class="lost in the gap between pop and push",
    contract_test="test_a_worker_may_die_at_any_point",
)
