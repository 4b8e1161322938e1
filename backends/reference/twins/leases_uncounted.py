"""What a worker holds is neither counted nor taken back: the queue says that it is empty.

Receiving moves a job to a list that nobody measures and nobody looks through. Its dashboard shows
an empty queue, so whoever waits for it to drain goes home, and the jobs of every worker that died
stay where they are.

Bug class: in-flight jobs forgotten by the count. Found by: progress_after_heal.
"""

from __future__ import annotations

from collections.abc import Iterable

from ....protocol.commands import Depth
from ..adapter import ReferenceAdapter
from ..altered import altered_store, not_overdue
from ..core import CORRECT
from ..record import Record
from ..stores.store import Store


def stored(store: Store) -> Store:
    looked_at = 0.0

    def expired(now: float) -> list[Record]:
        nonlocal looked_at
        looked_at = now
        return []  # the mistake: nobody looks for what was handed out

    def depths(now: float) -> list[Depth]:
        return [depth for depth in store.depths(now) if depth.state != "leased"]  # and the other

    def next_change_at(queues: Iterable[str]) -> float | None:
        return not_overdue(store.next_change_at(queues), looked_at)

    return altered_store(store, expired=expired, depths=depths, next_change_at=next_change_at)


TWIN = ReferenceAdapter(
    "twin-leases-uncounted",
    "broken: what workers hold is neither counted nor taken back",
    violates="progress_after_heal",
    decisions=CORRECT._replace(stored=stored),
    bug_class="in-flight jobs forgotten by the count",
    contract_test="test_a_lease_is_exclusive_until_it_ends",
)
