"""What a queue has counted since it was made: events, worker time, and who asks for work.

Bookkeeping in memory, from records that have already been swapped: it decides nothing,
reads no clock, and is gone with its process. Of processes that share a store, each counts
its own calls, so that nobody knows the whole: see :func:`.direct.of_all`.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from ...protocol.commands import Count, Usage
from .record import Record

# Longer than a broker lets a lease wait, so a worker that finds no work stays known.
WORKER_KNOWN_S = 75.0

Events = Counter[tuple[str, str, str]]
Busy = defaultdict[str, float]
Kept = tuple[Events, Busy]


class Tally:
    """Counts events by queue and cause, the time of deliveries, and known workers.

    ``event`` and ``cause`` are the words of :class:`..commands.Count`.
    """

    def __init__(self) -> None:
        self._events: Events = Counter()
        self._busy_s: Busy = defaultdict(float)
        self._workers: dict[str, tuple[float, tuple[str, ...]]] = {}

    def count(self, event: str, queue: str = "", cause: str = "") -> None:
        self._events[event, queue, cause] += 1

    def moved(self, old: Record, new: Record, why: str, now: float) -> None:
        """``old`` was replaced by ``new``; ``why`` becomes the cause of a retry."""
        queue = new.job.queue
        if new.state == "leased":  # its worker is busy with it: known until the lease ends
            until, queues = self._workers.get(new.worker, (0.0, (queue,)))
            self._workers[new.worker] = (max(until, new.lease_until), queues)
        if old.state == "leased" and new.state != "leased":
            self._busy_s[queue] += max(0.0, now - old.started_at)
        if why in ("lease_expired", "timed_out"):
            self.count("leases_expired", queue, why)
        if why in ("replayed", "handed_back"):
            self.count(why, queue)
        elif new.state == "dead":
            self.count("dead_lettered", queue, "permanent" if why == "permanent" else "exhausted")
        elif new.state == "done":
            self.count("duplicates_skipped" if why == "duplicate" else "completed", queue)
        elif new.state == "ready":
            self.count("retried", queue, why)
        else:
            self.count("leased" if old.state == "ready" else "extended", queue)

    def asked(self, worker: str, queues: tuple[str, ...], now: float) -> None:
        """``worker`` asked for work of ``queues``."""
        self._workers[worker] = (now + WORKER_KNOWN_S, queues)

    def kept(self) -> Kept:
        """What :meth:`put_back` needs to undo everything that is counted from now on."""
        return self._events.copy(), self._busy_s.copy()

    def put_back(self, kept: Kept) -> None:
        """What was counted since ``kept`` was not committed, so it did not happen."""
        self._events, self._busy_s = kept

    def forget(self, now: float) -> None:
        """Drop the workers that have not been heard of for long."""
        self._workers = {name: known for name, known in self._workers.items() if known[0] > now}

    def totals(self) -> dict[str, int]:
        """How often each event happened, in all queues and for all causes."""
        totals: Counter[str] = Counter()
        for (event, _, _), number in self._events.items():
            totals[event] += number
        return dict(totals)

    def counts(self) -> tuple[Count, ...]:
        return tuple(
            Count(queue, event, cause, number)
            for (event, queue, cause), number in sorted(self._events.items())
        )

    def usage(self, now: float) -> tuple[Usage, ...]:
        self.forget(now)
        serving = Counter(queue for _, queues in self._workers.values() for queue in set(queues))
        return tuple(
            Usage(queue, self._busy_s.get(queue, 0.0), serving[queue])
            for queue in sorted({*serving, *self._busy_s})
        )
