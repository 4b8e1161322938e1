"""An enqueue that is repeated writes the job anew, whatever has become of it.

A producer that heard no answer must repeat, and cannot know that the job is running by now. Its
record is overwritten, the job is ready as if nobody had it, and two workers do the same.

Bug class: enqueue that is not idempotent. Found by: no_duplicated_effects.
"""

from __future__ import annotations

from msgspec.structs import replace

from ..adapter import ReferenceAdapter
from ..altered import altered_store
from ..core import CORRECT
from ..record import Record
from ..stores.store import Store


def stored(store: Store) -> Store:
    def insert(record: Record) -> bool:
        held = store.get(record.job.id)
        if held is None:
            return store.insert(record)
        anew = replace(held, state="ready", ready_at=record.ready_at)
        return store.swap(held, replace(anew, version=held.version + 1))  # the mistake

    return altered_store(store, insert=insert)


TWIN = ReferenceAdapter(
    "twin-enqueue-twice",
    "broken: an enqueue that is repeated makes the job run again",
    violates="no_duplicated_effects",
    decisions=CORRECT._replace(stored=stored),
    bug_class="enqueue that is not idempotent",
    contract_test="test_an_enqueue_may_be_repeated",
)
