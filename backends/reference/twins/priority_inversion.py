"""Jobs with the same key run one at a time, in the order in which they came, urgent or not.

The urgent job waits for one of the lowest priority that came before it and has not begun, and
that one waits behind everything in the middle. Nobody lends it the urgency of whom it holds up.

Bug class: priority inversion. Found by: no_starvation.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from ..adapter import ReferenceAdapter
from ..altered import altered_store
from ..core import CORRECT
from ..record import Record
from ..stores.store import Store

LOOK_AGAIN_S = 0.1


def stored(store: Store) -> Store:
    first: dict[str, str] = {}

    def insert(record: Record) -> bool:
        inserted = store.insert(record)
        if inserted and record.job.key is not None:
            first.setdefault(record.job.key, record.job.id)
        return inserted

    def next_ready(queues: Iterable[str], now: float) -> Record | None:
        while record := store.next_ready(queues, now):
            if first.get(record.job.key or "", record.job.id) == record.job.id:
                break
            later = now + LOOK_AGAIN_S  # the mistake: it waits, and whom it waits for does not move
            store.swap(record, replace(record, ready_at=later, version=record.version + 1))
        return record

    def swap(old: Record, new: Record, complete_key: str | None = None) -> bool:
        swapped = store.swap(old, new, complete_key)
        if swapped and new.state in ("done", "dead"):
            first.pop(new.job.key or "", None)
        return swapped

    return altered_store(store, insert=insert, next_ready=next_ready, swap=swap)


TWIN = ReferenceAdapter(
    "twin-priority-inversion",
    "broken: an urgent job waits for one of no importance that has its key",
    violates="no_starvation",
    decisions=CORRECT._replace(stored=stored),
    bug_class="priority inversion",
    contract_test="test_an_urgent_job_waits_for_none_of_less_importance",
)
