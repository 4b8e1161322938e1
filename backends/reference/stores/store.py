"""What the queue asks of a store: keep records, find the next one, swap atomically.

A store is dumb. It never changes a record's meaning; it only answers "which record is
next by this order" and "replace this version by that one, if it still is that version".
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from ....protocol.commands import Depth, Failed
from ...adapter import Unavailable
from ..record import Record


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

    def dead(self) -> list[Record]:
        """All dead letters, oldest first."""

    def depths(self, now: float) -> list[Depth]: ...

    def forget(self, done_before: float) -> int:
        """Drop records and keys completed before that time; how many records went."""

    def close(self) -> None: ...


def due(record: Record) -> float:
    """The time that orders a record among those of its state: when it ends, or ended."""
    times = {"ready": record.ready_at, "leased": record.lease_until}
    return times.get(record.state, record.ended_at)


class Bell(Protocol):
    """Rings when a record changes."""

    def wait(self, timeout_s: float) -> float | None:
        """When something may next become ready or expire, as just announced.

        None if nothing was announced in ``timeout_s`` seconds. Raises Unanswered if the
        connection broke.
        """


class SharedStore(Store, Protocol):
    """A store in a server that many processes share, and that can wake who waits.

    ``name`` keeps several stores in one server apart. Any method raises Unanswered if the
    server does not answer: then a write may or may not have taken effect.
    """

    @property
    def name(self) -> str: ...

    def wall(self) -> float:
        """The server's wall clock in seconds."""

    def bell(self, queues: Iterable[str]) -> AbstractContextManager[Bell]:
        """Announcements of every change in ``queues`` from now to the end of the block."""

    def destroy(self) -> None:
        """Remove everything that this store keeps."""
