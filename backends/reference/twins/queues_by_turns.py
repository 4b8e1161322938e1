"""A worker of several queues is given a job of each in turn, whichever is in more of a hurry.

Each queue has its most urgent job first, and none is starved. But a job that cannot wait, in one
queue, waits for a job of another that nobody is waiting for.

Bug class: priorities within a queue only. Found by: priorities_respected.
"""

from __future__ import annotations

from itertools import count

from ..adapter import ReferenceAdapter
from ..altered import altered_store
from ..core import CORRECT
from ..record import Record
from ..stores.store import Store


def stored(store: Store) -> Store:
    turns = count()

    def next_ready(queues: tuple[str, ...], now: float) -> Record | None:
        turn = next(turns) % len(queues)
        for queue in (*queues[turn:], *queues[:turn]):
            if record := store.next_ready((queue,), now):
                return record  # the mistake: another queue may hold what is more urgent
        return None

    return altered_store(store, next_ready=next_ready)


TWIN = ReferenceAdapter(
    "twin-queues-by-turns",
    "broken: an urgent job of one queue waits for any job of another",
    violates="priorities_respected",
    decisions=CORRECT._replace(stored=stored),
    bug_class="priorities within a queue only",
    contract_test="test_the_highest_priority_of_all_queues_goes_first",
)
