"""What the queue asks of a store: keep records, find the next one, swap atomically.

A store is dumb. It never changes a record's meaning; it only answers "which record is
next by this order" and "replace this version by that one, if it still is that version".
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import AbstractContextManager
from math import inf
from typing import NamedTuple, Protocol

from ....protocol.clock import Clock, ReadClock
from ....protocol.commands import Depth, Failed
from ...adapter import Unavailable
from ..record import Record

LOOK_BYTES = 64 * 1024
# Clocks of processes that share a store differ by less: within this, who came first goes first,
# whatever their clocks say. The servers' statements know it as 1.
CLOCKS_DIFFER_S = 1.0
QUICK_S, LONG_ENOUGH_S = 0.0005, 0.02
RESOLUTION_S = 1e-6  # of the servers' clocks
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


class ServerClock:
    """The clock of a store's server, read by asking; all who share the store go by it.

    An answer was true at some moment between the question and its arrival. So the clock has surely
    come as far when it arrives, and no further than that by as much as all of it took. Several
    answers narrow it down.
    """

    def __init__(self, ask: ReadClock, monotonic: ReadClock) -> None:
        self._ask, self._monotonic = ask, monotonic
        self._behind_s = 0.0

    @classmethod
    def clock(cls, ask: ReadClock, monotonic: ReadClock = time.monotonic) -> Clock:
        """That clock for a queue; ``ask`` gives what it shows, in seconds."""
        server = cls(ask, monotonic)
        return Clock(monotonic, server.read, behind_s=lambda: server._behind_s)

    def read(self) -> float:
        """What the clock shows now, at least; never more. Takes a few round trips."""
        least, most, until = -inf, inf, inf  # by how much it is ahead of our monotonic clock
        while True:
            asked_at = self._monotonic()
            seconds = self._ask()
            answered_at = self._monotonic()
            if not seconds - answered_at <= most or not seconds - asked_at >= least:
                least, most = -inf, inf  # somebody has put that clock right meanwhile
            least = max(least, seconds - answered_at)
            most = min(most, seconds - asked_at + RESOLUTION_S)
            until = min(until, answered_at + LONG_ENOUGH_S)
            if most - least < QUICK_S or answered_at > until:
                self._behind_s = most - least
                return least + self._monotonic()


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

    @property
    def clock(self) -> Clock:
        """Whose wall clock is the server's."""

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

    def process(self) -> str:
        """A name of the server process that serves; its successor has another."""

    def destroy(self) -> None:
        """Remove everything that this store keeps."""
