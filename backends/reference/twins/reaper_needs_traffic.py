"""Leases that have ended are taken back when the next job is enqueued, and at no other time.

On a busy day nobody notices. The last job before the weekend, whose worker died, is held by the
dead until Monday.

Bug class: reaper that needs traffic to run. Found by: progress_after_heal.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..adapter import ReferenceAdapter
from ..altered import altered_store, not_overdue
from ..core import CORRECT
from ..record import Record
from ..stores.store import Store


def stored(store: Store) -> Store:
    traffic, looked_at = False, 0.0

    def insert(record: Record) -> bool:
        nonlocal traffic
        traffic = True
        return store.insert(record)

    def expired(now: float) -> list[Record]:
        nonlocal traffic, looked_at
        reaps, traffic, looked_at = traffic, False, now
        return store.expired(now) if reaps else []  # the mistake

    def next_change_at(queues: Iterable[str]) -> float | None:
        return not_overdue(store.next_change_at(queues), looked_at)

    return altered_store(store, insert=insert, expired=expired, next_change_at=next_change_at)


TWIN = ReferenceAdapter(
    "twin-reaper-needs-traffic",
    "broken: leases that have ended are taken back only when a job is enqueued",
    violates="progress_after_heal",
    decisions=CORRECT._replace(stored=stored),
    bug_class="reaper that needs traffic to run",
    contract_test="test_a_worker_may_die_at_any_point",
)
