"""Moving a record in two steps: taken out of the store, held in memory, put back a while later.

What several twins have in common that move jobs without a transaction. While the process
lives, nothing is wrong; when it dies between the steps, what it has in hand is gone.
"""

from __future__ import annotations

from collections import Counter

from msgspec.structs import replace

from ...protocol.commands import Depth
from .record import Record
from .stores.store import Store


class Hand:
    """Holds each record that it takes for ``gap_s`` seconds."""

    def __init__(self, store: Store, gap_s: float) -> None:
        self._store = store
        self._gap_s = gap_s
        self._held: list[tuple[float, Record, Record]] = []

    def take(self, old: Record, new: Record, now: float) -> bool:
        """The first step: ``old`` leaves the store. False if it is no longer there."""
        gone = replace(new, state="done", ended_at=now)
        if not self._store.swap(old, gone):
            return False
        self._held.append((now + self._gap_s, gone, new))
        return True

    def put_back(self, now: float) -> None:
        """The second step, for each record whose time has come."""
        while self._held and self._held[0][0] <= now:
            _, gone, new = self._held.pop(0)
            self._store.swap(gone, replace(new, version=gone.version + 1))

    def sooner(self, change_at: float | None) -> float | None:
        """When something next changes, in the store or here."""
        if not self._held:
            return change_at
        return self._held[0][0] if change_at is None else min(change_at, self._held[0][0])

    def get(self, job_id: str) -> Record | None:
        """Whoever asks for a record in hand is told what it will be."""
        held = [new for _, _, new in self._held if new.job.id == job_id]
        return held[0] if held else self._store.get(job_id)

    def depths(self, now: float) -> list[Depth]:
        queues = Counter(new.job.queue for _, _, new in self._held)
        return self._store.depths(now) + [Depth(q, "ready", n, 0.0) for q, n in queues.items()]
