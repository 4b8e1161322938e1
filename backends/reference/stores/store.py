"""What the queue asks of a store: keep records, find the next one, swap atomically.

A store is dumb. It never changes a record's meaning; it only answers "which record is
next by this order" and "replace this version by that one, if it still is that version".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from math import inf
from typing import NamedTuple, Protocol

from ....protocol.commands import Depth, Failed
from ...adapter import Unavailable
from ..record import Record

LOOK_BYTES = 64 * 1024
# Clocks of processes that share a store differ by less: within this, who came first goes first,
# whatever their clocks say. The servers' statements know it as 1.
CLOCKS_DIFFER_S = 1.0
QUICK_S, LONG_ENOUGH_S = 0.0005, 0.02
Place = tuple[float, int]
FIRST: Place = (-inf, 0)


class StoreError(Unavailable):
    """The place is not a store that this version can use."""


class ServerError(StoreError):
    """The store's server answered with an error: see ``failed``."""

    def __init__(self, server: str, failed: Failed) -> None:
        super().__init__(f"expected {server} to keep a record, found: {failed.error}")
        self.failed = failed


class RecordRefused(ServerError):
    """The store cannot hold such a record, and has done nothing."""


class Store(Protocol):
    """Records by job id, each with a version; all times are the queue's seconds."""

    def transaction(self) -> AbstractContextManager[None]:
        """Group calls: when the block ends, what they wrote is durable.

        A store that can, makes all of it durable or nothing. No caller depends on that:
        each swap alone leaves a state that makes sense.
        """

    def insert(self, record: Record) -> bool:
        """Keep a new record; False if its job id is held already."""

    def get(self, job_id: str) -> Record | None: ...

    def next_ready(self, queues: Iterable[str], now: float) -> Record | None:
        """The ready record to run next: highest priority, then ready longest, then first in."""

    def waiting(self, queue: str) -> int:
        """How many ready records the queue has, due or not."""

    def expired(self, now: float) -> list[Record]:
        """Leased records whose lease has ended."""

    def swap(self, old: Record, new: Record, complete_key: str | None = None) -> bool:
        """Replace ``old`` by ``new`` if the stored version still is ``old``'s; atomic.

        ``complete_key`` is recorded as done in the same atomic step.
        """

    def key_done(self, key: str) -> bool: ...

    def next_change_at(self, queues: Iterable[str]) -> float | None:
        """When, without any command, something next becomes ready or expires."""

    def last_change_at(self) -> float | None:
        """When a job last came or ended, by the records that are held; None if there are none."""

    def dead(self, after: Place = FIRST, most: int | None = None) -> list[Record]:
        """The first dead letters behind ``after`` (when it ended, sequence), oldest first."""

    def depths(self, now: float) -> list[Depth]: ...

    def forget(self, done_before: float) -> int:
        """Drop records and keys completed before that time; how many records went."""

    def close(self) -> None: ...


def due(record: Record) -> float:
    """The time that orders a record among those of its state: when it ends, or ended."""
    times = {"ready": record.ready_at, "leased": record.lease_until}
    return times.get(record.state, record.ended_at)


def closest(ask: Callable[[], float]) -> float:
    """What the server's clock shows now, by the one of several answers that took the least time.

    All who share a store go by its server's clock. How far apart their clocks are is how long the
    answers took on their way; one that was quick is good enough.
    """
    begun, best = time.monotonic(), (inf, 0.0)
    while True:
        asked_at = time.monotonic()
        seconds = ask()
        answered_at = time.monotonic()
        best = min(best, (answered_at - asked_at, seconds - (asked_at + answered_at) / 2))
        if best[0] < QUICK_S or answered_at - begun > LONG_ENOUGH_S:
            return best[1] + time.monotonic()


def in_order(record: Record) -> tuple[int, float, int]:
    """What ready records are sorted by: the highest priority, ready longest, first in."""
    return (-record.job.priority, record.ready_at, record.sequence)


class Bell(Protocol):
    """Rings when a record changes."""

    def wait(self, timeout_s: float) -> float | None:
        """When something may next become ready or expire, as just announced.

        None if nothing was announced in ``timeout_s`` seconds. Raises Unanswered if the
        connection broke.
        """


class Proposal(NamedTuple):
    """What the core makes of a ready record if it is handed out: ``leased``."""

    record: Record
    leased: Record


class Look(NamedTuple):
    """What one look at a shared store shows: ended leases, and who is next, in order."""

    expired: list[Record]
    next: list[Record]


class Claim(NamedTuple):
    """Which proposal was taken, if one was; and the place of each one whose key is done."""

    taken: int | None
    duplicates: list[int]


class SharedStore(Store, Protocol):
    """A store in a server that many processes share, and that can wake who waits.

    ``name`` keeps several stores in one server apart. Any method raises Unanswered if the
    server does not answer: then a write may or may not have taken effect.
    """

    @property
    def name(self) -> str: ...

    def wall(self) -> float:
        """The server's wall clock in seconds."""

    def look(self, queues: Iterable[str], now: float, most: int) -> Look:
        """Ended leases, and up to ``most`` ready records, in the order of :meth:`next_ready`.

        The first one is there however large it is; together the others are no larger than
        ``LOOK_BYTES``.
        """

    def claim(self, queues: Iterable[str], now: float, proposals: list[Proposal]) -> Claim:
        """Carry out the first proposal whose record is unchanged and whose key is not done.

        In one atomic step, and only if no ready record that is not among them comes before it.
        Whoever loses a race against others for the first one so takes the next, and nobody is
        passed over. Records with a done key stay as they are: they are to be skipped.
        """

    def bell(self, queues: Iterable[str]) -> AbstractContextManager[Bell]:
        """Announcements of every change in ``queues`` from now to the end of the block."""

    def destroy(self) -> None:
        """Remove everything that this store keeps."""
