"""A delayed job whose time has come is taken off the delayed ones, and then made ready.

The process that moves it has it in memory for a moment. If it dies then, the job is neither
delayed nor ready, and nobody misses a reminder that was due next month.

Bug class: lost between delayed and ready. Found by: no_lost_work.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

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

    def expired(now: float) -> list[Record]:
        hand.put_back(now)
        return store.expired(now)

    def next_ready(queues: Iterable[str], now: float) -> Record | None:
        while (record := store.next_ready(queues, now)) and record.job.delay_s > 0:
            ready = replace(record, job=replace(record.job, delay_s=0.0))
            hand.take(record, replace(ready, version=record.version + 1), now)  # the mistake
        return record

    def next_change_at(queues: Iterable[str]) -> float | None:
        return hand.sooner(store.next_change_at(queues))

    return altered_store(
        store,
        expired=expired,
        next_ready=next_ready,
        next_change_at=next_change_at,
        get=hand.get,
        depths=hand.depths,
    )


TWIN = ReferenceAdapter(
    "twin-promotion-loses",
    "broken: a delayed job is taken out in one step and made ready in another",
    violates="no_lost_work",
    decisions=CORRECT._replace(stored=stored),
    claims=Claims(prompt=False),  # it has the job in hand for a moment
    bug_class="lost between delayed and ready",
    contract_test="test_a_crash_as_a_delayed_job_falls_due_loses_nothing",
)
