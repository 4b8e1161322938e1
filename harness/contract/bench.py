"""One fresh queue of an adapter, on a clock that moves only when it is told to.

The contract's tests speak to a queue through it, and it is the only place in which they make
one. It checks that an answer is of the right kind, and nothing else.
"""

from __future__ import annotations

from random import Random
from typing import TypeVar

from ...backends.adapter import Adapter
from ...blame import blaming
from ...protocol.clock import Clock
from ...protocol.commands import (
    Ack,
    Command,
    DeadLetter,
    DeadLetters,
    Delivery,
    Enqueue,
    Enqueued,
    Extend,
    Inspect,
    Inspected,
    Job,
    Lease,
    Leased,
    ListDead,
    Nack,
    Release,
    Replay,
    Replayed,
    Reply,
    Settled,
)

R = TypeVar("R", bound=Reply)
QUEUE = "default"
LEASE_S = 10.0


def expect(held: bool, expected: str, found: object) -> None:
    """Raise AssertionError, one sentence, unless ``held``."""
    __tracebackhide__ = True
    if not held:
        raise AssertionError(f"expected {expected}, found {found}")


class Bench:
    """The queue under test. ``now`` is the true time, in seconds from 0.

    The wall clocks of the queue's server and of whoever calls are as many seconds ahead of it as
    ``server_ahead_s`` and ``caller_ahead_s`` say.
    """

    def __init__(self, adapter: Adapter) -> None:
        self.now = self.server_ahead_s = self.caller_ahead_s = 0.0
        self.claims = adapter.claims
        clock = Clock(
            monotonic=lambda: self.now,
            wall=lambda: self.now + self.server_ahead_s,
            caller=lambda: self.now + self.caller_ahead_s,
        )
        self._backend = adapter.name
        with blaming(self._backend):
            self._queue = adapter.local(clock, Random(0))

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def crash(self) -> None:
        """The queue's server dies and starts again."""
        with blaming(self._backend):
            self._queue.crash()

    def call(self, command: Command) -> Reply:
        with blaming(self._backend):
            return self._queue.call(command)

    def _answer(self, command: Command, kind: type[R]) -> R:
        __tracebackhide__ = True
        reply = self.call(command)
        expect(isinstance(reply, kind), f"{kind.__name__} in answer to {command}", reply)
        assert isinstance(reply, kind)
        return reply

    def enqueue(self, job: Job) -> bool:
        """Whether the job is new to the queue."""
        return self._answer(Enqueue(job), Enqueued).created

    def lease(
        self, lease_s: float = LEASE_S, queues: tuple[str, ...] = (QUEUE,), worker: str = "w1"
    ) -> Delivery | None:
        return self._answer(Lease(worker, queues, lease_s), Leased).delivery

    def take(self, lease_s: float = LEASE_S, queues: tuple[str, ...] = (QUEUE,)) -> Delivery:
        """A lease that must hand out a job."""
        __tracebackhide__ = True
        delivery = self.lease(lease_s, queues)
        expect(delivery is not None, "the job that is ready to be handed out", "no job")
        assert delivery is not None
        return delivery

    def say(self, command: Ack | Nack | Extend | Release) -> Settled:
        return self._answer(command, Settled)

    def dead(self, queue: str | None = None, reason: str | None = None) -> tuple[DeadLetter, ...]:
        return self._answer(ListDead(queue, reason), DeadLetters).letters

    def replay(self, *job_ids: str) -> tuple[str, ...]:
        """Which of them were put back."""
        return self._answer(Replay(job_ids), Replayed).job_ids

    def state(self, job_id: str) -> str | None:
        return self._answer(Inspect(job_id), Inspected).state
