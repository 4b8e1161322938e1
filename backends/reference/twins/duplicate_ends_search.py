"""Whoever meets a duplicate is told that there is nothing to do, and not what lies behind it.

The duplicate is settled as it should be, but the worker has asked in vain. A batch of duplicates
at the head of the queue keeps every worker idle for as many polls.

Bug class: nothing to do beside a full queue. Found by: ready_jobs_handed_out.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..adapter import ReferenceAdapter
from ..altered import altered_store
from ..core import CORRECT
from ..record import Record
from ..stores.store import Store


def stored(store: Store) -> Store:
    skipped = False

    def swap(old: Record, new: Record, complete_key: str | None = None) -> bool:
        nonlocal skipped
        skipped = old.state == "ready" and new.state == "done"
        return store.swap(old, new, complete_key)

    def next_ready(queues: Iterable[str], now: float) -> Record | None:
        nonlocal skipped
        if skipped:
            skipped = False
            return None  # the mistake
        return store.next_ready(queues, now)

    return altered_store(store, swap=swap, next_ready=next_ready)


TWIN = ReferenceAdapter(
    "twin-duplicate-ends-search",
    "broken: a worker that meets a duplicate is told that there is nothing to do",
    violates="ready_jobs_handed_out",
    decisions=CORRECT._replace(stored=stored),
    bug_class="nothing to do beside a full queue",
    contract_test="test_a_duplicate_hides_no_job_behind_it",
)
