"""Who is just taking a job off a broker: the moment in which a library may have it nowhere.

A kill is meant for the job that it is tied to. What a worker takes from its queue at that very
moment is another failure, which chance would mix in, the more the busier the machine is; a full
broker and the sweep show it on purpose. So a worker that is to be killed whole asks for nothing
more, and dies when it has noted what it was given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from .pace import Pace, RealTime

LOOK_S = 0.01
WITHIN_S = 1.5  # who asks and waits is answered within a second, by Celery's Redis


class Hands:
    """Of the nodes of a run at that pace, as the taps on their connections see it."""

    def __init__(self, pace: Pace | None = None) -> None:
        self._pace = pace or RealTime()
        self._asking = Counter[int]()
        self._noting: dict[int, set[str]] = {}
        self._still: set[int] = set()

    @contextmanager
    def settled(self, node: int) -> Iterator[None]:
        """In the block it asks for nothing, and has noted what it was given, if it was in time."""
        self._still.add(node)
        pace, until_s = self._pace, self._pace.now_s() + WITHIN_S
        while self.taking(node) and pace.now_s() < until_s:
            pace.nap(min(until_s, pace.now_s() + LOOK_S))
        try:
            yield
        finally:  # it is dead; whoever comes after it may ask
            self._noting.pop(node, None)
            self._still.discard(node)

    def may_ask(self, node: int) -> bool:
        return node not in self._still

    def taking(self, node: int) -> bool:
        """Whether it waits for an answer, or has not noted what it was given."""
        return self._asking[node] > 0 or bool(self._noting.get(node))

    def asked(self, node: int, times: int = 1) -> None:
        """A request for a job has passed; -1: one was answered, or its connection is gone."""
        self._asking[node] += times

    def given(self, node: int, job: str) -> None:
        self._noting.setdefault(node, set()).add(job)

    def noted(self, node: int, job: str) -> None:
        """Something about that job was sent."""
        self._noting.get(node, set()).discard(job)
