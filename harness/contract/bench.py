"""One fresh queue of an adapter, and what is said to it and answered.

The contract's tests speak to a queue through it, and it is the only place in which they make
one. Where the queue lives is a stage: in this process, on a clock that moves only when it is told
to (:class:`VirtualTime`), or behind its own server (:mod:`.real_time`). A failure says in its first
line which job and which command it is about, what was expected and what was found.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Protocol, TypeVar, cast

import pytest

from ...backends.adapter import Claims, Housekeeper, QueueSystem, RemoteQueue
from ...blame import blaming
from ...errors import JobquakeError
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
    Failed,
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
from .seconds import Seconds
from .words import brief, job_of, shown, spoken

R = TypeVar("R", bound=Reply)
T = TypeVar("T")
QUEUE = "default"
LEASE_S = 10.0
STEPS = 10  # of the queue's timer, in a second of a conversation
PATIENCE_S, AGAIN_S = 15.0, 0.5  # how long a queue that is not prompt is asked for a job, how often


class Stage(Protocol):
    """Where the queue under test lives, and what time is there, in seconds from 0.

    ``long_s`` is longer than any lease or backoff that a conversation uses.
    """

    long_s: float

    @property
    def now(self) -> float: ...
    def wait(self, seconds: float) -> None: ...
    def call(self, command: Command) -> Reply: ...
    def crash(self) -> None:
        """The queue's server dies and starts again."""

    def keep_house(self) -> None:
        """Whoever keeps the queue's house does so now, if it is not the queue itself."""


def second_of(claims: Claims) -> float:
    """How long a second of a conversation lasts in virtual time, in seconds of the queue."""
    return STEPS * claims.timer_s or 1.0


class VirtualTime:
    """The queue in this process. ``server`` and ``caller``: how far ahead the wall clocks are.

    A queue that keeps time in steps is given seconds of so many of them that one step more or less
    does not count.
    """

    long_s = 100.0

    def __init__(
        self, adapter: QueueSystem, server: Callable[[], float], caller: Callable[[], float]
    ) -> None:
        self.now = 0.0
        second_s = second_of(adapter.claims)
        clock = Clock(
            monotonic=lambda: self.now * second_s,
            wall=lambda: (self.now + server()) * second_s,
            caller=lambda: (self.now + caller()) * second_s,
        )
        self._seconds = Seconds(second_s)
        self._queue = adapter.local(clock, Random(0))

    def call(self, command: Command) -> Reply:
        return self._seconds.answered(self._queue.call(self._seconds.said(command)))

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def crash(self) -> None:
        self._queue.crash()

    def keep_house(self) -> None:
        if isinstance(self._queue, Housekeeper):
            self._queue.forget_old()


class Bench:
    """The queue under test. ``now`` is the true time, in seconds from 0.

    The wall clocks of the queue's server and of whoever calls are as many seconds ahead of it as
    ``server_ahead_s`` and ``caller_ahead_s`` say, in virtual time.
    """

    def __init__(self, adapter: RemoteQueue, stage: Stage | None = None) -> None:
        self.server_ahead_s = self.caller_ahead_s = 0.0
        self.claims = adapter.claims
        self._backend = adapter.name
        self._said: Command | None = None
        self._job_id = ""
        self._stage = stage or self._in_virtual_time(cast("QueueSystem", adapter))

    def _in_virtual_time(self, adapter: QueueSystem) -> Stage:
        def stage() -> Stage:
            return VirtualTime(adapter, lambda: self.server_ahead_s, lambda: self.caller_ahead_s)

        return self._blamed(stage)

    def _blamed(self, call: Callable[[], T]) -> T:
        """What it gives. What the adapter raises fails the test with one sentence."""
        __tracebackhide__ = True
        try:
            with blaming(self._backend):
                return call()
        except JobquakeError as error:
            raise pytest.fail.Exception(str(error), pytrace=False) from None

    @property
    def now(self) -> float:
        return self._stage.now

    @property
    def step_s(self) -> float:
        """How much later than due something may happen."""
        return 1.5 / STEPS if self.claims.timer_s else 0.0

    @property
    def long_s(self) -> float:
        """Longer than any lease or backoff."""
        return self._stage.long_s

    def wait(self, seconds: float) -> None:
        self._stage.wait(seconds)

    def crash(self) -> None:
        """The queue's server dies and starts again."""
        self._blamed(self._stage.crash)

    def keep_house(self) -> None:
        """Let whoever keeps the queue's house do so."""
        self._blamed(self._stage.keep_house)

    def call(self, command: Command) -> Reply:
        __tracebackhide__ = True
        self._said, self._job_id = command, job_of(command) or self._job_id
        reply = self._blamed(lambda: self._stage.call(command))
        self._job_id = job_of(reply) or self._job_id
        if isinstance(reply, Failed) and reply.environment:
            found = f"expected a server that can keep the queue, found the error {reply.error!r}"
            raise pytest.fail.Exception(f"{found}, which is not the queue's mistake", pytrace=False)
        return reply

    def expect(self, held: bool, expected: str, found: object) -> None:
        """Raise AssertionError unless ``held``: job, command, expected and found, in one line."""
        __tracebackhide__ = True
        if held:
            return
        job = f"job {brief(self._job_id)}, " if self._job_id else ""
        said = f"{spoken(self._said)} " if self._said else ""
        raise AssertionError(
            f"{job}{said}at {self.now:.4g} s: expected {expected}, found {shown(found)}"
        )

    def _answer(self, command: Command, kind: type[R]) -> R:
        __tracebackhide__ = True
        reply = self.call(command)
        self.expect(isinstance(reply, kind), f"the answer {kind.__name__}", reply)
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
        """A lease that must hand out a job; of a queue that is not prompt, within a while."""
        __tracebackhide__ = True
        delivery = self.lease(lease_s, queues)
        patient_until = self.now + (0.0 if self.claims.prompt else PATIENCE_S)
        while delivery is None and self.now < patient_until:
            self.wait(AGAIN_S)
            delivery = self.lease(lease_s, queues)
        self.expect(delivery is not None, "the job that is ready to be handed out", "no job")
        assert delivery is not None
        return delivery

    def say(self, command: Ack | Nack | Extend | Release) -> Settled:
        return self._answer(command, Settled)

    def dead(
        self, queue: str | None = None, reason: str | None = None, limit: int = 1000
    ) -> tuple[DeadLetter, ...]:
        return self._answer(ListDead(queue, reason, limit), DeadLetters).letters

    def replay(self, *job_ids: str) -> tuple[str, ...]:
        """Which of them were put back."""
        return self._answer(Replay(job_ids), Replayed).job_ids

    def state(self, job_id: str) -> str | None:
        return self._answer(Inspect(job_id), Inspected).state
