"""An ack also ends the job that has been in hand for longest: acks are counted, not matched.

Whoever takes acks for a counter ("one more is done") crosses off the oldest job in the list of what
workers hold. As long as jobs end in the order in which they began, nobody notices.

Bug class: ack that settles another job. Found by: leases_exclusive.
"""

from __future__ import annotations

from math import inf

from msgspec.structs import replace

from ..adapter import ReferenceAdapter
from ..altered import altered_store
from ..core import CORRECT
from ..record import Record
from ..stores.store import Store


def stored(store: Store) -> Store:
    def swap(old: Record, new: Record, complete_key: str | None = None) -> bool:
        swapped = store.swap(old, new, complete_key)
        if swapped and new.state == "done" and old.state == "leased":
            in_hand = store.expired(inf)  # the mistake: whoever they belong to
            for oldest in sorted(in_hand, key=lambda record: record.started_at)[:1]:
                if oldest.started_at < old.started_at:
                    done = replace(oldest, state="done", version=oldest.version + 1)
                    store.swap(oldest, replace(done, ended_at=new.ended_at))
        return swapped

    return altered_store(store, swap=swap)


TWIN = ReferenceAdapter(
    "twin-ack-of-the-oldest",
    "broken: an ack ends the job that has been in hand for longest, too",
    violates="leases_exclusive",
    decisions=CORRECT._replace(stored=stored),
    bug_class="ack that settles another job",
    contract_test="test_an_ack_ends_no_other_job",
)
