"""One local queue under many simulations: its clock goes on where the last one stopped.

Each simulation counts its time from 0; the queue's own time never goes back. Others may
measure the queue from their threads meanwhile, so every call holds a lock.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import NamedTuple

from ...backends.adapter import Adapter, Housekeeper, Queue
from ...protocol.clock import Clock as Clocks
from ...protocol.commands import Command, Measure, Reply
from ..faults.fields import SERVER
from ..plan.plan import Plan
from .clock import Clock
from .conductor import QUIET_POLL_S
from .execution import Execution, Shaken
from .long_lived import settle
from .sim import Simulation, simulate
from .skew import WallClocks


class NewEachTime(NamedTuple):
    """See :class:`.execution.Shaken`: each plan has a simulation of its own."""

    adapter: Adapter

    def shake(self, plan: Plan) -> Execution:
        return Execution(simulate(plan, self.adapter), None, "simulated")


class SimulatedQueue:
    """See :class:`.long_lived.LongLivedQueue`."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter
        self._lock = threading.Lock()
        self.renew()

    def renew(self) -> None:
        self._began_s = 0.0
        self._clock: Clock | None = None
        self._walls: WallClocks | None = None
        self._rng = Random()
        clocks = Clocks(
            monotonic=self.now,
            wall=lambda: self.now() + (self._walls.ahead_s(SERVER) if self._walls else 0.0),
            caller=lambda: (
                self.now() + (self._walls.ahead_s(self._walls.calling) if self._walls else 0.0)
            ),
        )
        self._queue = self._adapter.local(clocks, self._rng)

    def now(self) -> float:
        """Seconds of the queue's life."""
        return self._began_s + (self._clock.now if self._clock else 0.0)

    def shake(self, plan: Plan) -> Execution:
        # As in a run alone: what differs from one is then the queue's past and nothing else.
        self._rng.seed(f"queue {plan.seed}")
        history = Simulation(plan, self._adapter, self._lend).run()
        self._began_s, self._clock, self._walls = self.now(), None, None
        return Execution(history, None, "simulated")

    def empty(self) -> Shaken:
        return NewEachTime(self._adapter)

    def settle(self, plan: Plan) -> int:
        queues = tuple(queue.name for queue in plan.queues)
        began_s = self._began_s

        def wait() -> float:
            change_at = self._queue.next_change_at(queues) or 0.0
            self._began_s = max(self._began_s + QUIET_POLL_S, change_at)
            return self._began_s - began_s

        left = settle(plan, self.call, wait)
        if isinstance(self._queue, Housekeeper):
            with self._lock:
                self._queue.forget_old()
        return left

    def call(self, command: Command) -> Reply:
        with self._lock:
            return self._queue.call(command)

    def measure(self) -> Reply | None:
        return self.call(Measure())

    def memory(self) -> int:
        return 0

    def crash(self) -> None:
        with self._lock:
            self._queue.crash()

    def _lend(self, clock: Clock, walls: WallClocks) -> Queue:
        """The queue for a simulation that begins now, on a whole second of the queue's life."""
        self._began_s = float(math.ceil(self._began_s))
        self._clock, self._walls = clock, walls
        return _Lent(self, self._queue.next_change_at, self._began_s)


class _Lent:
    """The queue as one simulation sees it: what it says of times is on that one's clock."""

    def __init__(
        self,
        queue: SimulatedQueue,
        next_change_at: Callable[[tuple[str, ...]], float | None],
        began_s: float,
    ) -> None:
        self.call, self.crash = queue.call, queue.crash
        self._next_change_at = next_change_at
        self._began_s = began_s

    def next_change_at(self, queues: tuple[str, ...]) -> float | None:
        at = self._next_change_at(queues)
        return None if at is None else at - self._began_s


@contextmanager
def simulated(adapter: Adapter) -> Iterator[SimulatedQueue]:
    """A queue in this process, until the end of the block."""
    yield SimulatedQueue(adapter)
