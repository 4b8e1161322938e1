"""The queue remembers for ever what it has done.

The id of the nightly import is its date without the year. A year later the import is taken for a
repetition and does not run, and the list of what was done grows without end.

Bug class: deduplication that never ends. Found by: retention_kept.
"""

from __future__ import annotations

from ..adapter import ReferenceAdapter
from ..altered import altered_store
from ..core import CORRECT
from ..stores.store import Store


def stored(store: Store) -> Store:
    return altered_store(store, forget=lambda done_before: 0)  # the mistake


TWIN = ReferenceAdapter(
    "twin-never-forgets",
    "broken: what is done is remembered for ever",
    violates="retention_kept",
    decisions=CORRECT._replace(stored=stored),
    bug_class="deduplication that never ends",
    contract_test="test_what_is_done_is_remembered_as_long_as_was_said",
)
