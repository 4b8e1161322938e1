"""The room where leases wait for a job: in the order in which they came, whoever sent them.

Those that ask for the same queues stand in one line, and a line is looked at only when one of its
queues has changed: a crowd that waits for something else costs nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from heapq import heapify, heappop, heappush
from itertools import count
from math import inf
from typing import Generic, NamedTuple, TypeVar

from ....protocol.commands import Lease
from .limits import Limits

C = TypeVar("C", bound=Hashable)


class Waiter(NamedTuple, Generic[C]):
    """A lease of ``client``, the ``number``-th that came, that waits until ``until``."""

    number: int
    client: C
    request_id: int
    lease: Lease
    until: float


class WaitingRoom(Generic[C]):
    """Leases that wait, of clients that can be told apart."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._numbers = count()
        self._all: dict[int, Waiter[C]] = {}
        self._lines: dict[tuple[str, ...], dict[int, Waiter[C]]] = {}
        self._lines_of: dict[str, dict[tuple[str, ...], None]] = {}
        self._of_client: dict[C, dict[int, Waiter[C]]] = {}
        self._names_of_client: dict[C, Counter[str]] = {}
        self._ends: list[tuple[float, int]] = []

    def __len__(self) -> int:
        return len(self._all)

    @property
    def queues(self) -> Iterable[str]:
        """The queues for which anybody waits."""
        return self._lines_of.keys()

    def refusal(self, client: C, lease: Lease) -> str:
        """Why this lease may not wait; empty if it may."""
        limits, mine = self._limits, self._of_client.get(client, {})
        if len(mine) >= limits.waiting_leases_a_client:
            return _too_many(f"{limits.waiting_leases_a_client} leases of one client that wait")
        if len(self._all) >= limits.waiting_leases:
            return _too_many(f"{limits.waiting_leases} leases that wait")
        names = self._names_of_client.get(client, Counter())
        if len(names | Counter(lease.queues)) > limits.names_waited_for_a_client:
            return _too_many(f"{limits.names_waited_for_a_client} queues that one client waits for")
        new = sum(queue not in self._lines_of for queue in set(lease.queues))
        if new and len(self._lines_of) + new > limits.names_waited_for:
            return _too_many(f"{limits.names_waited_for} queues that are waited for")
        return ""

    def enter(self, client: C, request_id: int, lease: Lease, until: float) -> Waiter[C]:
        waiter = Waiter(next(self._numbers), client, request_id, lease, until)
        self._all[waiter.number] = waiter
        self._lines.setdefault(lease.queues, {})[waiter.number] = waiter
        for queue in lease.queues:
            self._lines_of.setdefault(queue, {})[lease.queues] = None
        self._of_client.setdefault(client, {})[waiter.number] = waiter
        self._names_of_client.setdefault(client, Counter()).update(lease.queues)
        heappush(self._ends, (until, waiter.number))
        if len(self._ends) > 2 * len(self._all) + 1000:  # most have been answered long ago
            self._ends = [(w.until, w.number) for w in self._all.values()]
            heapify(self._ends)
        return waiter

    def leave(self, waiter: Waiter[C]) -> None:
        if self._all.pop(waiter.number, None) is None:
            return
        queues = waiter.lease.queues
        line, mine = self._lines[queues], self._of_client[waiter.client]
        del line[waiter.number], mine[waiter.number]
        names = self._names_of_client[waiter.client]
        names.subtract(queues)
        for queue in queues:
            if names[queue] <= 0:
                del names[queue]
        if not mine:
            del self._of_client[waiter.client], self._names_of_client[waiter.client]
        if not line:
            del self._lines[queues]
            for queue in set(queues):
                del self._lines_of[queue][queues]
                if not self._lines_of[queue]:
                    del self._lines_of[queue]

    def client_left(self, client: C) -> None:
        for waiter in list(self._of_client.get(client, {}).values()):
            self.leave(waiter)

    def waits(self, client: C) -> bool:
        return client in self._of_client

    def over(self, now: float) -> list[Waiter[C]]:
        """Those whose time is up; they stay until somebody lets them leave."""
        over = []
        while self._ends and self._ends[0][0] <= now:
            _, number = heappop(self._ends)
            if waiter := self._all.get(number):
                over.append(waiter)
        return over

    def come_back(self, waiters: Iterable[Waiter[C]]) -> None:
        """Their time is up, but nobody could tell them: they are to be told again."""
        for waiter in waiters:
            heappush(self._ends, (waiter.until, waiter.number))

    @property
    def ends_at(self) -> float:
        """When somebody's time may be up; infinite if nobody waits."""
        return self._ends[0][0] if self._ends else inf

    def anybody_over(self, now: float) -> bool:
        return self.ends_at <= now

    def serve(
        self, changed: Iterable[str] | None, try_one: Callable[[Waiter[C]], bool]
    ) -> list[Waiter[C]]:
        """Let those try for whom something may be ready; who got something, in order.

        ``changed``: the queues in which something may be (None: in all). Whoever comes first
        tries first; behind one that finds nothing, nobody of the same line would find more.
        """
        found: list[Waiter[C]] = []
        lines = self._lines_with(changed)
        heads: list[tuple[int, int, Iterator[Waiter[C]], Waiter[C]]] = []
        for place, line in enumerate(lines):
            _push(heads, place, iter(line.values()))
        heapify(heads)
        while heads:
            _, place, rest, waiter = heappop(heads)
            if try_one(waiter):
                found.append(waiter)
                _push(heads, place, rest)
        return found

    def _lines_with(self, changed: Iterable[str] | None) -> list[dict[int, Waiter[C]]]:
        if changed is None:
            return list(self._lines.values())
        names = {line: None for queue in changed for line in self._lines_of.get(queue, ())}
        return [self._lines[line] for line in names]


def _push(
    heads: list[tuple[int, int, Iterator[Waiter[C]], Waiter[C]]],
    place: int,
    rest: Iterator[Waiter[C]],
) -> None:
    if waiter := next(rest, None):
        heappush(heads, (waiter.number, place, rest, waiter))


def _too_many(limit: str) -> str:
    return f"expected at most {limit}, found one more; ask again when others have been answered"
