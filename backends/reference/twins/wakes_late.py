"""Whoever waits for a job is woken some seconds after one has become ready.

The queue knows when the next job is due, and rounds it up to its next look. Nobody sees it where
workers poll every half second; where they wait for long, each delay and each backoff lasts longer.

Bug class: wake-up that comes late. Found by: delays_respected.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..adapter import ReferenceAdapter
from ..altered import altered_store
from ..core import CORRECT
from ..stores.store import Store

LATE_S = 4.0


def stored(store: Store) -> Store:
    def next_change_at(queues: Iterable[str]) -> float | None:
        change_at = store.next_change_at(queues)
        return None if change_at is None else change_at + LATE_S  # the mistake

    return altered_store(store, next_change_at=next_change_at)


TWIN = ReferenceAdapter(
    "twin-wakes-late",
    "broken: whoever waits is woken late when a job becomes ready",
    violates="delays_respected",
    decisions=CORRECT._replace(stored=stored),
    bug_class="wake-up that comes late",
    contract_test="test_whoever_waits_is_woken",
)
