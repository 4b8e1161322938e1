"""An adapter with one mistake of :mod:`.mutants`: all else is its own."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from ...backends.adapter import Adapter, Claims, Queue
from ...protocol.clock import Clock
from ...protocol.worker import WorkerProgram
from .mutants import MISTAKES, BrokenQueue


@dataclass(frozen=True)
class BrokenAdapter:
    """The adapter in all but its mistake. In the simulator only."""

    whole: Adapter
    mistake: str

    @property
    def name(self) -> str:
        return f"{self.whole.name} with {self.mistake}"

    @property
    def summary(self) -> str:
        return f"broken from outside: {self.mistake.replace('_', ' ')}"

    @property
    def claims(self) -> Claims:
        return self.whole.claims

    @property
    def worker(self) -> WorkerProgram:
        return self.whole.worker

    violates: None = None
    framing: None = None

    def local(self, clock: Clock, rng: Random) -> Queue:
        if self.mistake == "wall_clock_trusted":
            clock = clock._replace(monotonic=clock.wall)
        return BrokenQueue(lambda: self.whole.local(clock, rng), self.mistake, clock)

    def server(self, folder: Any, port: int) -> None:
        return None

    def connect(self, address: str, timeout_s: float) -> Any:
        raise NotImplementedError("a queue is broken from outside in the simulator only")


def broken(adapter: Adapter, mistake: str) -> BrokenAdapter:
    """The adapter with one of ``MISTAKES``. Raises KeyError if there is no such mistake."""
    if mistake not in MISTAKES:
        raise KeyError(f"expected one of {', '.join(MISTAKES)}, found {mistake!r}")
    return BrokenAdapter(adapter, mistake)
