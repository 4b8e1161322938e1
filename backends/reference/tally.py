"""What a queue has counted since it was made: events, worker time, and who asks for work.

Bookkeeping in memory, from records that have already been swapped: it decides nothing,
reads no clock, and is gone with its process. Of processes that share a store, each counts
its own calls, so that nobody knows the whole: see :func:`.direct.of_all`.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from msgspec.structs import replace

from ...protocol.commands import Count, Depth, State, Usage
from .record import Record

# Longer than a broker lets a lease wait, so a worker that finds no work stays known.
WORKER_KNOWN_S = 75.0
# What is counted may not grow with the names that somebody makes up.
MOST_QUEUES = 1000
MOST_WORKERS = 10_000
OTHERS = "(all other queues)"

Event = tuple[str, str, str]
Busy = tuple[str, float]


class Tally:
    """Counts events by queue and cause, the time of deliveries, and known workers.

    ``event`` and ``cause`` are the words of :class:`..commands.Count`. The first
    ``MOST_QUEUES`` queues have counts of their own, and the others are counted together.
    """

    def __init__(self) -> None:
        self._events: Counter[Event] = Counter()
        self._busy_s: defaultdict[str, float] = defaultdict(float)
        self._queues: dict[str, str] = {"": ""}
        self._workers: dict[str, tuple[float, tuple[str, ...]]] = {}
        self._since: list[Event | Busy] | None = None

    def count(self, event: str, queue: str = "", cause: str = "") -> None:
        key = event, self._queues.get(queue) or self._named(queue), cause
        self._events[key] += 1
        if self._since is not None:
            self._since.append(key)

    def refused(self, queue: str, cause: str) -> None:
        """A refusal leaves no name behind: it counts for the queue only if that is known."""
        self.count("refused", queue if queue in self._queues else "", cause)

    def _named(self, queue: str) -> str:
        if not queue:
            return ""
        known = len(self._queues) <= MOST_QUEUES
        name = queue if known else OTHERS
        if known:
            self._queues[queue] = queue
        return name

    def moved(self, old: Record, new: Record, why: str, now: float) -> None:
        """``old`` was replaced by ``new``; ``why`` becomes the cause of a retry."""
        queue = new.job.queue
        if new.state == "leased":  # its worker is busy with it: known until the lease ends
            until, queues = self._workers.get(new.worker, (0.0, (queue,)))
            self._know(new.worker, max(until, new.lease_until), queues)
        if old.state == "leased" and new.state != "leased":
            busy = self._queues.get(queue) or self._named(queue), max(0.0, now - old.started_at)
            self._busy_s[busy[0]] += busy[1]
            if self._since is not None:
                self._since.append(busy)
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
        self._know(worker, now + WORKER_KNOWN_S, queues)

    def _know(self, worker: str, until: float, queues: tuple[str, ...]) -> None:
        if worker in self._workers or len(self._workers) < MOST_WORKERS:
            self._workers[worker] = (until, queues)

    def begin(self) -> None:
        """Remember what is counted from now on, until ``keep`` or ``put_back``."""
        self._since = []

    def keep(self) -> None:
        self._since = None

    def put_back(self) -> None:
        """What was counted since ``begin`` was not committed, so it did not happen."""
        for counted in self._since or ():
            if len(counted) == 3:
                self._events[counted] -= 1
            else:
                self._busy_s[counted[0]] -= counted[1]
        self._events += Counter()  # what happened never has no count
        self._since = None

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
        if len({*serving, *self._busy_s}) > MOST_QUEUES:
            known = {queue: number for queue, number in serving.items() if queue in self._queues}
            known[OTHERS] = sum(serving.values()) - sum(known.values())
            serving = Counter(known)
        return tuple(
            Usage(queue, self._busy_s.get(queue, 0.0), serving[queue])
            for queue in sorted({*serving, *self._busy_s})
        )

    def depths(self, depths: list[Depth]) -> tuple[Depth, ...]:
        """As they are, or with the queues that have no counts of their own as one."""
        if len({depth.queue for depth in depths}) <= MOST_QUEUES:
            return tuple(depths)
        others: dict[State, Depth] = {}
        for depth in depths:
            if depth.queue not in self._queues:
                others[depth.state] = _together(others.get(depth.state), depth)
        own = [depth for depth in depths if depth.queue in self._queues]
        return (*own, *(others[state] for state in sorted(others)))


def _together(one: Depth | None, other: Depth) -> Depth:
    if one is None:
        return replace(other, queue=OTHERS)
    return Depth(
        OTHERS,
        one.state,
        one.count + other.count,
        max(one.oldest_s, other.oldest_s),
        (one.waiting or 0) + (other.waiting or 0),
        max(one.waiting_s, other.waiting_s),
    )
