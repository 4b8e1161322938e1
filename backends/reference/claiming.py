"""Taking the next job from a store that many processes share, in one step.

Whoever looks at the head of a queue and then writes finds, when many compete, that somebody else
was faster, and all of them look again. Here the core says what becomes of each of the next few
records, and the store carries out the first of these proposals that still fits. How many are
proposed follows from how many competed lately: alone, it is one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TypeGuard

from .record import Record
from .stores.store import Proposal, SharedStore, Store

WIDEST = 64
REMEMBERED = 256


def is_shared(store: Store) -> TypeGuard[SharedStore]:
    return hasattr(store, "claim")


class Claiming:
    """What one process knows of its claims on ``store``."""

    def __init__(self, store: SharedStore) -> None:
        self._store = store
        self._width = 1
        self._written: OrderedDict[str, Record] = OrderedDict()

    def next(
        self,
        queues: tuple[str, ...],
        now: float,
        reap: Callable[[list[Record]], object],
        propose: Callable[[Record], Record],
        duplicate: Callable[[Record], object],
        set_aside: Callable[[Record], object],
    ) -> Proposal | None:
        """The next job, taken: the record and what became of it; None if there is none.

        ``reap`` takes back leases that have ended, before anything is handed out;
        ``duplicate`` settles a record whose key is done, ``set_aside`` one that cannot be read.
        """
        look = self._store.look(queues, now, self._width)
        if look.expired:
            reap(look.expired)
            look = self._store.look(queues, now, self._width)
        while look.next:
            unreadable = [record for record in look.next if record.remains]
            for record in unreadable:
                set_aside(record)
            if unreadable:
                look = self._store.look(queues, now, self._width)
                continue
            proposals = [Proposal(record, propose(record)) for record in look.next]
            claim = self._store.claim(queues, now, proposals)
            for place in claim.duplicates:
                duplicate(proposals[place].record)
            if claim.taken is not None:
                self._width = max(1, self._width - 1, min(WIDEST, 2 * claim.taken))
                return proposals[claim.taken]
            if not claim.duplicates:
                self._width = min(WIDEST, 2 * self._width)
            look = self._store.look(queues, now, self._width)
        return None

    def remember(self, record: Record) -> None:
        """This process has just written it: who settles it next need not ask for it."""
        self._written[record.job.id] = record
        if len(self._written) > REMEMBERED:
            self._written.popitem(last=False)

    def recall(self, job_id: str) -> Record | None:
        """The record as this process wrote it; somebody may have written since. Only once."""
        return self._written.pop(job_id, None)
