"""Dead letters are thrown away when they have lain for a while.

They are kept to be mended and replayed, and the mending takes longer than the keeping. Whoever
comes back from the weekend finds an empty list.

Bug class: dead letters that expire. Found by: no_lost_work.
"""

from __future__ import annotations

from msgspec.structs import replace

from ..adapter import ReferenceAdapter
from ..altered import altered_store
from ..core import CORRECT
from ..record import Record
from ..stores.store import Store

KEPT_S = 0.5


def stored(store: Store) -> Store:
    def expired(now: float) -> list[Record]:
        for letter in store.dead():
            if letter.ended_at + KEPT_S <= now:  # the mistake
                store.swap(letter, replace(letter, state="done", version=letter.version + 1))
        return store.expired(now)

    return altered_store(store, expired=expired)


TWIN = ReferenceAdapter(
    "twin-dead-letters-trimmed",
    "broken: dead letters are thrown away when they are old",
    violates="no_lost_work",
    decisions=CORRECT._replace(stored=stored),
    bug_class="dead letters that expire",
    contract_test="test_a_permanent_failure_is_a_dead_letter_at_once",
)
