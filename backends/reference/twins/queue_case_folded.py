"""The names of queues are compared as the database compares text: without regard to case.

The queue 'Orders' of the new shop and 'orders' of the old one are two in the settings, and one
in the table. Each shop's workers get the other's jobs, half of them.

Bug class: names taken for one another. Found by: queues_kept.
"""

from __future__ import annotations

from ..adapter import ReferenceAdapter
from ..altered import altered_store
from ..core import CORRECT
from ..record import Record
from ..stores.store import Store


def stored(store: Store) -> Store:
    def alike(queues: tuple[str, ...]) -> tuple[str, ...]:
        folded = {queue.casefold() for queue in queues}
        names = {depth.queue for depth in store.depths(0.0)}  # whichever process made them
        return tuple({*queues, *(n for n in names if n.casefold() in folded)})  # the mistake

    def next_ready(queues: tuple[str, ...], now: float) -> Record | None:
        return store.next_ready(alike(queues), now)

    def next_change_at(queues: tuple[str, ...]) -> float | None:
        return store.next_change_at(alike(queues))

    return altered_store(store, next_ready=next_ready, next_change_at=next_change_at)


TWIN = ReferenceAdapter(
    "twin-queue-case-folded",
    "broken: the names of queues are compared without regard to case",
    violates="queues_kept",
    decisions=CORRECT._replace(stored=stored),
    bug_class="names taken for one another",
    contract_test="test_queues_with_names_that_look_alike_are_kept_apart",
)
