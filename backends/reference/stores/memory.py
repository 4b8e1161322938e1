"""The store in memory: heaps with lazy deletion. For the simulator and for tests.

Nothing here survives the process; that is what the SQLite store is for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from heapq import heappop, heappush
from itertools import chain
from typing import Any

from ....protocol.commands import Depth, State
from ..record import Record
from .store import FIRST, Place, due

_NOTHING = nullcontext()


class MemoryStore:
    """A :class:`~.store.Store` of dicts and heaps.

    A heap entry ends with its record and is stale once the store holds another one for
    that job. Sequence and version stand before the record, so that no two entries tie.
    """

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        self._keys: dict[str, float] = {}
        self._sequence = 0
        self._delayed: dict[str, list[tuple[float, int, int, Record]]] = defaultdict(list)
        self._ready: dict[str, list[tuple[int, float, int, int, Record]]] = defaultdict(list)
        self._leased: list[tuple[float, int, int, Record]] = []

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
        best: tuple[int, float, int, int, Record] | None = None
        for queue in queues:
            delayed, ready = self._delayed[queue], self._ready[queue]
            while delayed and delayed[0][0] <= now:
                ready_at, sequence, version, record = heappop(delayed)
                heappush(ready, (-record.job.priority, ready_at, sequence, version, record))
            self._drop_stale(ready)
            while ready and ready[0][1] > now:  # who asked before had a clock that is ahead
                heappush(delayed, heappop(ready)[1:])
                self._drop_stale(ready)
            if ready and (best is None or ready[0] < best):
                best = ready[0]
        return best[-1] if best else None

    def waiting(self, queue: str) -> int:
        records = self._records.values()
        return sum(r.state == "ready" and r.job.queue == queue for r in records)

    def expired(self, now: float) -> list[Record]:
        heap = self._leased
        if not heap or heap[0][0] > now:
            return []
        kept = []
        while heap and heap[0][0] <= now:
            entry = heappop(heap)
            if self._records.get(entry[-1].job.id) is entry[-1]:
                kept.append(entry)  # until a swap makes it stale, it stays findable
        for entry in kept:
            heappush(heap, entry)
        return [entry[-1] for entry in kept]

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
        next_at: float | None = None
        for heap in (self._leased, *[self._delayed[queue] for queue in queues]):
            self._drop_stale(heap)
            if heap and (next_at is None or heap[0][0] < next_at):
                next_at = heap[0][0]
        return next_at

    def last_change_at(self) -> float | None:
        records = self._records.values()
        ended = (due(r) for r in records if r.state in ("done", "dead"))
        return max(chain((r.enqueued_at for r in records), ended), default=None)

    def dead(self, after: Place = FIRST, most: int | None = None) -> list[Record]:
        dead = [r for r in self._records.values() if r.state == "dead"]
        dead = [r for r in dead if (r.ended_at, r.sequence) > after]
        return sorted(dead, key=lambda r: (r.ended_at, r.sequence))[:most]

    def depths(self, now: float) -> list[Depth]:
        groups: dict[tuple[str, State], list[Record]] = defaultdict(list)
        for record in self._records.values():
            groups[record.job.queue, record.state].append(record)
        return [_depth(*group, groups[group], now) for group in sorted(groups)]

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

    def _drop_stale(self, heap: list[Any]) -> None:
        """Make the first entry of a heap a current one."""
        while heap and self._records.get(heap[0][-1].job.id) is not heap[0][-1]:
            heappop(heap)

    def _keep(self, record: Record) -> None:
        job = record.job
        self._records[job.id] = record
        if record.state == "ready":
            entry = (record.ready_at, record.sequence, record.version, record)
            heappush(self._delayed[job.queue], entry)
        elif record.state == "leased":
            heappush(self._leased, (record.lease_until, record.sequence, record.version, record))


def _depth(queue: str, state: State, records: list[Record], now: float) -> Depth:
    oldest_s = max(0.0, now - min(record.enqueued_at for record in records))
    due_at = [r.ready_at for r in records if state == "ready" and r.ready_at <= now]
    return Depth(queue, state, len(records), oldest_s, len(due_at), now - min(due_at, default=now))
