"""What the harness needs of a queue: claims, a way to run it, and a way to talk to it.

To add one, write an object with the members of :class:`QueueSystem`, or of :class:`RemoteQueue`
if it has no virtual time, in a file in ``built_in/``, or in your own package and its entry point
group ``jobquake.backends``. docs/adapters.md says what each command must do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Protocol, runtime_checkable

from ..errors import EnvironmentFault
from ..protocol.clock import Clock
from ..protocol.commands import Command, Reply
from ..protocol.worker import WorkerProgram
from .claims import Claims
from .system import Framing, System

__all__ = [
    "Adapter",
    "Bounding",
    "Claims",
    "Connection",
    "Elsewhere",
    "Framing",
    "Housekeeper",
    "Leasing",
    "Preloading",
    "Queue",
    "QueueSystem",
    "ReadsTimeAtStart",
    "RemoteQueue",
    "Retaining",
    "Starting",
    "System",
    "Tenant",
    "Unavailable",
    "bounding",
    "leasing",
]


class Unavailable(EnvironmentFault):
    """The backend cannot be had here. The message says what is wrong and what to do."""


class Queue(Protocol):
    """A queue in this process: one command in, its reply out, at once."""

    def call(self, command: Command) -> Reply: ...

    def next_change_at(self, queues: tuple[str, ...]) -> float | None:
        """When, by the monotonic clock, a job of ``queues`` may next become ready."""

    def crash(self) -> None:
        """The process that serves the queue dies at this moment and starts again.

        Whatever it has read of its clocks is forgotten, too.
        """


class Connection(Protocol):
    """A queue reached over something that can fail: one attempt, None if unanswered."""

    def attempt(self, command: Command) -> Reply | None: ...

    def close(self) -> None: ...


class RemoteQueue(System, Protocol):
    """A queue under test that is reached over its connection: the harness brings the workers.

    They run ``worker``. Where it says nothing of ``sees`` and ``drivers`` (see :mod:`.system`),
    all of it can be seen, and real processes can run it; virtual time needs a
    :class:`QueueSystem`.
    """

    @property
    def worker(self) -> WorkerProgram: ...

    def connect(self, address: str, timeout_s: float) -> Connection:
        """Talk to the queue at the server's address, or in the folder if it has none.

        Raises Unavailable if that cannot be done from here at all.
        """


class QueueSystem(RemoteQueue, Protocol):
    """A queue under test that can live in this process, too, on a clock that is given to it."""

    def local(self, clock: Clock, rng: Random) -> Queue:
        """A fresh queue that reads these clocks, for the simulator. Raises Unavailable."""


Adapter = QueueSystem  # as packages of others have known it


@runtime_checkable
class Retaining(Protocol):
    """What an adapter has, too, if its queue can be told when to forget what is completed."""

    def retaining(self, retention_s: float) -> QueueSystem:
        """The same queue, which remembers completed jobs and keys for so many seconds."""


@runtime_checkable
class Leasing(Protocol):
    """What an adapter has, too, if not whoever asks for a job says how long its lease lasts.

    Some queues set that for all jobs together, when their server starts or when a job is enqueued.
    """

    def leasing(self, lease_s: float) -> RemoteQueue:
        """The same queue, whose leases last so many seconds."""


def leasing(adapter: RemoteQueue, lease_s: float) -> RemoteQueue:
    """The queue as it is where workers ask for leases of so many seconds, and for no others."""
    return adapter.leasing(lease_s) if isinstance(adapter, Leasing) else adapter


@runtime_checkable
class Bounding(Protocol):
    """What an adapter has, too, if deliveries are bounded for all jobs of a queue together."""

    def bounding(self, deliveries: int) -> RemoteQueue:
        """The same queue, which hands out each of its jobs so often at most."""


def bounding(adapter: RemoteQueue, deliveries: int) -> RemoteQueue:
    """The queue as it is where every job may be handed out so often."""
    return adapter.bounding(deliveries) if isinstance(adapter, Bounding) else adapter


@runtime_checkable
class Housekeeper(Protocol):
    """What a queue in this process has, too, if somebody must tell it to keep house."""

    def forget_old(self) -> None:
        """Drop completed jobs and keys that are older than the retention."""


@runtime_checkable
class Elsewhere(Protocol):
    """What an adapter has, too, if its server may be no process that a run starts.

    Such a server cannot share a clock with the run, so time does not leap.
    """

    def elsewhere(self) -> str:
        """Where its server is, as a clause for a sentence; "" if a run starts it."""


@runtime_checkable
class Answered(Protocol):
    """What an adapter has, too, if it can tell which server of somebody else's answers."""

    def who_answers(self, folder: Path) -> str:
        """The server process of the run in ``folder``: another one, another name. "": nobody knows.

        Raises Unavailable if none answers.
        """


@runtime_checkable
class Fillable(Protocol):
    """What an adapter has, too, if the memory of its server can be full: here, if ``fillable``."""

    @property
    def fillable(self) -> bool: ...
    def fill(self, address: str, full: bool) -> None:
        """Let the server at that address have no memory left, or some again.

        Raises OSError, EnvironmentFault.
        """


@runtime_checkable
class Starting(Protocol):
    """What a system has, too, if its runs start programs that leaping time may not reach."""

    def programs(self) -> Sequence[str]:
        """Those that are known before a run, by name or path: its server's, its workers'."""


@runtime_checkable
class Preloading(Protocol):
    """What an adapter has, too, if its connections need modules that it does not import at once.

    Nodes are forked by one process, which loads them for all.
    """

    def preload(self) -> None:
        """Import them. May raise; then each node finds out for itself."""


@runtime_checkable
class ReadsTimeAtStart(Protocol):
    """What an adapter has, too, if each of its processes may read a wall clock when it starts.

    One that starts while that clock is wrong goes by the wrong time for as long as it lives.
    """

    @property
    def reads_time_at_start(self) -> bool:
        """Whether workers do, and not one server alone."""


@runtime_checkable
class Tenant(Protocol):
    """What an adapter has, too, if its runs can leave something where they do not end.

    A process driver calls it when the run is over, the guard if the driver was killed.
    """

    def vacate(self, folder: Path) -> None:
        """Remove what the run in ``folder`` keeps elsewhere. Raises Unavailable if it cannot."""
