"""The idempotency key is recorded after the ack, with others, every half a second.

Two writes where one transaction would do. The server dies between them: the job is done and its
key is not, so the same work, submitted again, is done again.

Bug class: idempotency key written behind the completion. Found by: no_duplicated_effects.
"""

from __future__ import annotations

from msgspec.structs import replace

from ..adapter import ReferenceAdapter
from ..altered import altered_store
from ..core import CORRECT
from ..record import Record
from ..stores.store import Store

EVERY_S = 0.5


def stored(store: Store) -> Store:
    behind: dict[str, Record] = {}

    def swap(old: Record, new: Record, complete_key: str | None = None) -> bool:
        swapped = store.swap(old, new)
        if swapped and complete_key is not None:
            behind[complete_key] = new  # the mistake: known in memory, and written later
        return swapped

    def key_done(key: str) -> bool:
        return key in behind or store.key_done(key)

    def expired(now: float) -> list[Record]:
        if any(done.ended_at + EVERY_S <= now for done in behind.values()):
            for key, done in behind.items():
                store.swap(done, replace(done, version=done.version + 1), key)
            behind.clear()
        return store.expired(now)

    return altered_store(store, swap=swap, key_done=key_done, expired=expired)


TWIN = ReferenceAdapter(
    "twin-key-after-ack",
    "broken: the idempotency key is recorded some time after the completion",
    violates="no_duplicated_effects",
    decisions=CORRECT._replace(stored=stored),
    bug_class="idempotency key written behind the completion",
    contract_test="test_a_crash_after_an_ack_forgets_no_key",
)
