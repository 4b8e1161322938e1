"""What the queue asks of a store: keep records, find the next one, swap atomically.

A store is dumb. It never changes a record's meaning; it only answers "which record is
next by this order" and "replace this version by that one, if it still is that version".
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from ..commands import Depth
from .core import Record


class Store(Protocol):
    """Records by job id, each with a version; all times are the queue's seconds."""

    def transaction(self) -> AbstractContextManager[None]:
        """Group calls: all of them are durable when the block ends, or none is."""

    def insert(self, record: Record) -> bool:
        """Keep a new record; False if its job id is held already."""

    def get(self, job_id: str) -> Record | None: ...

    def next_ready(self, queues: Iterable[str], now: float) -> Record | None:
        """The ready record to run next: highest priority, then ready longest, then first in."""

    def expired(self, now: float) -> list[Record]:
        """Leased records whose lease has ended."""

    def swap(self, old: Record, new: Record, complete_key: str | None = None) -> bool:
        """Replace ``old`` by ``new`` if the stored version still is ``old``'s; atomic.

        ``complete_key`` is recorded as done in the same atomic step.
        """

    def key_done(self, key: str) -> bool: ...

    def next_change_at(self, queues: Iterable[str]) -> float | None:
        """When, without any command, something next becomes ready or expires."""

    def dead(self) -> list[Record]:
        """All dead letters, oldest first."""

    def depths(self, now: float) -> list[Depth]: ...

    def forget(self, done_before: float) -> int:
        """Drop records and keys completed before that time; how many records went."""

    def close(self) -> None: ...
