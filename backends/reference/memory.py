"""The store in memory: heaps with lazy deletion. For the simulator and for tests.

Nothing here survives the process; that is what the SQLite store is for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from heapq import heappop, heappush

from ..commands import Depth
from .core import Record

_NOTHING = nullcontext()


class MemoryStore:
    """A :class:`~.store.Store` of dicts and heaps; a heap entry is stale once its version is."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        self._keys: dict[str, float] = {}
        self._sequence = 0
        self._delayed: dict[str, list[tuple[float, int, str, int]]] = defaultdict(list)
        self._ready: dict[str, list[tuple[int, float, int, str, int]]] = defaultdict(list)
        self._leased: list[tuple[float, int, str, int]] = []

    def transaction(self) -> AbstractContextManager[None]:
        return _NOTHING

    def insert(self, record: Record) -> bool:
        if record.job.id in self._records:
            return False
        self._sequence += 1
        fresh = Record(
            record.job, record.state, record.enqueued_at, record.ready_at, self._sequence
        )
        self._keep(fresh)
        return True

    def get(self, job_id: str) -> Record | None:
        return self._records.get(job_id)

    def next_ready(self, queues: Iterable[str], now: float) -> Record | None:
        best: tuple[int, float, int, str, int] | None = None
        for queue in queues:
            self._promote(queue, now)
            heap = self._ready[queue]
            while heap and not self._current(heap[0][2:]):
                heappop(heap)
            if heap and (best is None or heap[0] < best):
                best = heap[0]
        return self._records[best[3]] if best else None

    def waiting(self, queue: str) -> int:
        records = self._records.values()
        return sum(r.state == "ready" and r.job.queue == queue for r in records)

    def expired(self, now: float) -> list[Record]:
        found, kept = [], []
        heap = self._leased
        while heap and (heap[0][0] <= now or not self._current(heap[0][1:])):
            entry = heappop(heap)
            if self._current(entry[1:]):
                found.append(self._records[entry[2]])
                kept.append(entry)  # until a swap makes it stale, it stays findable
        for entry in kept:
            heappush(heap, entry)
        return found

    def swap(self, old: Record, new: Record, complete_key: str | None = None) -> bool:
        held = self._records.get(old.job.id)
        if held is None or held.version != old.version:
            return False
        self._keep(new)
        if complete_key is not None:
            self._keys[complete_key] = new.ended_at
        return True

    def key_done(self, key: str) -> bool:
        return key in self._keys

    def next_change_at(self, queues: Iterable[str]) -> float | None:
        times = []
        for queue in queues:
            heap = self._delayed[queue]
            while heap and not self._current(heap[0][1:]):
                heappop(heap)
            if heap:
                times.append(heap[0][0])
        while self._leased and not self._current(self._leased[0][1:]):
            heappop(self._leased)
        if self._leased:
            times.append(self._leased[0][0])
        return min(times, default=None)

    def dead(self) -> list[Record]:
        dead = [r for r in self._records.values() if r.state == "dead"]
        return sorted(dead, key=lambda r: (r.ended_at, r.sequence))

    def depths(self, now: float) -> list[Depth]:
        groups: dict[tuple[str, str], list[float]] = defaultdict(list)
        for record in self._records.values():
            groups[record.job.queue, record.state].append(record.enqueued_at)
        return [
            Depth(queue, state, len(times), max(0.0, now - min(times)))  # type: ignore[arg-type]
            for (queue, state), times in sorted(groups.items())
        ]

    def forget(self, done_before: float) -> int:
        old = [
            job_id
            for job_id, record in self._records.items()
            if record.state == "done" and record.ended_at < done_before
        ]
        for job_id in old:
            del self._records[job_id]
        self._keys = {key: at for key, at in self._keys.items() if at >= done_before}
        return len(old)

    def close(self) -> None:
        pass

    def _current(self, entry: tuple[int, str, int]) -> bool:
        """Whether a heap entry's (sequence, job id, version) is what the store holds.

        The version alone would not do: a forgotten job that comes again starts anew.
        """
        record = self._records.get(entry[1])
        return record is not None and (record.sequence, record.version) == (entry[0], entry[2])

    def _promote(self, queue: str, now: float) -> None:
        heap = self._delayed[queue]
        while heap and heap[0][0] <= now:
            ready_at, sequence, job_id, version = heappop(heap)
            if self._current((sequence, job_id, version)):
                priority = self._records[job_id].job.priority
                heappush(self._ready[queue], (-priority, ready_at, sequence, job_id, version))

    def _keep(self, record: Record) -> None:
        job = record.job
        self._records[job.id] = record
        if record.state == "ready":
            entry = (record.ready_at, record.sequence, job.id, record.version)
            heappush(self._delayed[job.queue], entry)
        elif record.state == "leased":
            heappush(self._leased, (record.lease_until, record.sequence, job.id, record.version))
