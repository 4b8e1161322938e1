"""The reaper takes a lock for each round, and the lock has no end of its own.

There must be one reaper only, so it writes down that it reaps, and takes that back when its
round is over. If the server dies in between, the lock is held by nobody who could give it back,
and no dead worker's job is ever taken back again. It needs three faults in their order: a worker
dies, so that a round begins; the server dies within it; and another worker dies.

Bug class: lock held by a corpse. Found by: progress_after_heal.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from ....protocol.commands import Job
from ..adapter import ReferenceAdapter
from ..altered import altered_store, not_overdue
from ..core import CORRECT
from ..record import Record
from ..stores.store import Store

ROUND_S = 1.0
LOCK = Job("the reaper's lock", queue="locks")


def stored(store: Store) -> Store:
    round_ends_at, looked_at = -1.0, 0.0

    def lock(now: float) -> Record:
        # Done just now: what was done long ago is forgotten.
        store.insert(Record(LOCK, "done", enqueued_at=now, ready_at=now, ended_at=now))
        held = store.get(LOCK.id)
        assert held is not None
        return held

    def write(record: Record, holder: str) -> None:
        store.swap(record, replace(record, worker=holder, version=record.version + 1))

    def expired(now: float) -> list[Record]:
        nonlocal round_ends_at, looked_at
        looked_at, mine = now, round_ends_at >= 0
        if mine and now >= round_ends_at:
            write(lock(now), "")
            round_ends_at, mine = -1.0, False
        overdue = store.expired(now)
        if not overdue or mine:
            return overdue
        if lock(now).worker:
            return []  # the mistake: nobody asks whether the holder still lives
        write(lock(now), "a reaper")
        round_ends_at = now + ROUND_S
        return overdue

    def next_change_at(queues: Iterable[str]) -> float | None:
        return not_overdue(store.next_change_at(queues), looked_at)

    return altered_store(store, expired=expired, next_change_at=next_change_at)


TWIN = ReferenceAdapter(
    "twin-reaper-lock-of-a-corpse",
    "broken: the reaper's lock stays held when the reaper dies",
    violates="progress_after_heal",
    decisions=CORRECT._replace(stored=stored),
    bug_class="lock held by a corpse",
    contract_test="test_a_crash_as_a_lease_is_taken_back_holds_up_no_other",
)
