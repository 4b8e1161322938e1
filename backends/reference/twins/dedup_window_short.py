"""The queue remembers what it has done for half a second.

That is longer than one repetition takes, so every test passes. In an outage the producer
repeats for longer: the answer was lost, the job was done, and when the repetition gets through
at last, nobody remembers, and the card is charged again.

Bug class: deduplication window shorter than the redelivery. Found by: no_duplicated_effects.
"""

from __future__ import annotations

from ..adapter import ReferenceAdapter
from ..altered import altered_store
from ..core import CORRECT
from ..record import Record
from ..stores.store import Store

WINDOW_S = 0.5


def stored(store: Store) -> Store:
    def insert(record: Record) -> bool:
        store.forget(record.enqueued_at - WINDOW_S)  # the mistake
        return store.insert(record)

    return altered_store(store, insert=insert)


TWIN = ReferenceAdapter(
    "twin-dedup-window-short",
    "broken: what is done is remembered for half a second",
    violates="no_duplicated_effects",
    decisions=CORRECT._replace(stored=stored),
    bug_class="deduplication window shorter than the redelivery",
    contract_test="test_a_completed_job_is_over",
)
