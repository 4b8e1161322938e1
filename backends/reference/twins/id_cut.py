"""An id is looked up by its first 255 characters, since its column has no more.

Ids that are made of a customer, a date and a digest are longer than that, and differ at the end.
The second job is taken for a repetition of the first: accepted, and never done.

Bug class: names taken for one another. Found by: no_lost_work.
"""

from __future__ import annotations

from ..adapter import ReferenceAdapter
from ..altered import altered_store
from ..core import CORRECT
from ..record import Record
from ..stores.store import Store

COLUMN = 255


def stored(store: Store) -> Store:
    held: dict[str, str] = {}

    def insert(record: Record) -> bool:
        identifier = record.job.id
        first = held.setdefault(identifier[:COLUMN], identifier)
        if first != identifier:  # the mistake: the rest of the id is not looked at
            return False
        return store.insert(record)

    return altered_store(store, insert=insert)


TWIN = ReferenceAdapter(
    "twin-id-cut",
    "broken: ids are compared by their first 255 characters",
    violates="no_lost_work",
    decisions=CORRECT._replace(stored=stored),
    bug_class="names taken for one another",
    contract_test="test_jobs_with_ids_that_look_alike_are_different_jobs",
)
