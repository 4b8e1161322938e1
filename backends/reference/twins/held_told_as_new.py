"""An enqueue that is repeated changes nothing, and its producer is told that the job is new.

The insert ignores what is there already, and the answer is made without looking at how many rows it
wrote. Whoever counts what he has submitted by the answers counts too much.

Bug class: an answer that is not made from what happened. Found by: enqueues_accepted.
"""

from __future__ import annotations

from ..adapter import ReferenceAdapter
from ..altered import altered_store
from ..core import CORRECT
from ..record import Record
from ..stores.store import Store


def stored(store: Store) -> Store:
    def insert(record: Record) -> bool:
        store.insert(record)
        return True  # the mistake

    return altered_store(store, insert=insert)


TWIN = ReferenceAdapter(
    "twin-held-told-as-new",
    "broken: an enqueue that is repeated is answered as the first one was",
    violates="enqueues_accepted",
    decisions=CORRECT._replace(stored=stored),
    bug_class="an answer that is not made from what happened",
    contract_test="test_an_enqueue_may_be_repeated",
)
