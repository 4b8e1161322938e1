"""A dead letter that is replayed is taken out first, and put into its queue then.

The operator is told that it went well. If the server dies between the two steps, what was a dead
letter is nothing any more.

Bug class: lost between the dead letters and the queue. Found by: no_lost_work.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...claims import Claims
from ..adapter import ReferenceAdapter
from ..altered import altered_store
from ..core import CORRECT
from ..in_hand import Hand
from ..record import Record
from ..stores.store import Store

GAP_S = 0.4


def stored(store: Store) -> Store:
    hand = Hand(store, GAP_S)

    def swap(old: Record, new: Record, complete_key: str | None = None) -> bool:
        if old.state == "dead":
            return hand.take(old, new, new.ready_at)  # the mistake
        return store.swap(old, new, complete_key)

    def expired(now: float) -> list[Record]:
        hand.put_back(now)
        return store.expired(now)

    def next_change_at(queues: Iterable[str]) -> float | None:
        return hand.sooner(store.next_change_at(queues))

    return altered_store(
        store,
        swap=swap,
        expired=expired,
        next_change_at=next_change_at,
        get=hand.get,
        depths=hand.depths,
    )


TWIN = ReferenceAdapter(
    "twin-replay-loses-on-crash",
    "broken: a replay takes the dead letter out in one step and puts it back in another",
    violates="no_lost_work",
    decisions=CORRECT._replace(stored=stored),
    claims=Claims(prompt=False),  # it has the job in hand for a moment
    bug_class="lost between the dead letters and the queue",
    contract_test="test_a_crash_after_a_replay_loses_nothing",
)
