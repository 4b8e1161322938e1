"""What the harness needs of a backend: claims, a way to run it, and a way to talk to it.

To add one, write an object with these members in a file of its own and name it in
``registry.py`` (or in the entry point group ``jobquake.backends`` of your package).
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Literal, Protocol, runtime_checkable

from msgspec import Struct

from ..protocol.clock import Clock
from ..protocol.commands import Command, Reply
from ..protocol.worker import WorkerProgram


class Unavailable(Exception):
    """The backend cannot be had here. The message says what is wrong and what to do."""


class Claims(Struct, frozen=True):
    """What a backend promises; checks hold it to no more than that.

    ``caveat`` says in half a sentence what its configuration leaves open when its server
    crashes; a story of lost work quotes it. ``idempotent_settle``: an ack, nack or release
    may be repeated with the token that it was accepted under; it is accepted again and
    changes nothing. ``skips_completed_keys``: a job whose idempotency key has been completed
    is not handed out. ``bounded_backlog``: the queue honours ``Job.max_waiting``.
    ``durable``: what it acknowledged outlives a crash of its server. ``retries``: what fails
    comes back after its backoff. ``delays``: it honours ``Job.delay_s``. ``steady_time``: no
    wall clock that jumps ends a lease, a backoff or a delay sooner or later.
    """

    delivery: Literal["at-least-once", "at-most-once"] = "at-least-once"
    fencing: bool = True
    bounded_deliveries: bool = True
    dead_letters: bool = True
    priorities: bool = True
    idempotent_enqueue: bool = True
    caveat: str = ""
    idempotent_settle: bool = True
    skips_completed_keys: bool = True
    bounded_backlog: bool = True
    durable: bool = True
    retries: bool = True
    delays: bool = True
    steady_time: bool = True


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


class Framing(Protocol):
    """How the network proxy finds the round trips in the bytes of a backend's protocol."""

    @property
    def numbered(self) -> bool:
        """Whether replies name the request that they answer.

        If not, they come in order and are not looked into: a reply that is lost takes the
        rest of its connection along, and no message can be delivered twice.
        """

    def split(self, buffer: bytearray) -> list[bytes]:
        """Take whole messages, as they stand on the wire, off the front of ``buffer``."""

    def describe(self, message: bytes) -> tuple[int, str, str]:
        """(round trip id, call name or "", job id or "") of one message."""


class Adapter(Protocol):
    """A backend under test. ``violates`` names the check that a broken twin must fail."""

    @property
    def name(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def claims(self) -> Claims: ...
    @property
    def violates(self) -> str | None: ...
    @property
    def worker(self) -> WorkerProgram: ...
    @property
    def framing(self) -> Framing | None:
        """None if no network lies between the workers and the queue."""

    def local(self, clock: Clock, rng: Random) -> Queue:
        """A fresh queue that reads these clocks, for the simulator. Raises Unavailable."""

    def server(self, folder: Path, port: int) -> list[str] | None:
        """The command that serves the queue from ``folder``; prints ``ready HOST:PORT``.

        None if the queue is a library on a shared file and has no server.
        """

    def connect(self, address: str, timeout_s: float) -> Connection:
        """Talk to the queue at the server's address, or in the folder if it has none.

        Raises Unavailable if that cannot be done from here at all.
        """


@runtime_checkable
class Retaining(Protocol):
    """What an adapter has, too, if its queue can be told when to forget what is completed."""

    def retaining(self, retention_s: float) -> Adapter:
        """The same queue, which remembers completed jobs and keys for so many seconds."""


@runtime_checkable
class Housekeeper(Protocol):
    """What a queue in this process has, too, if somebody must tell it to keep house."""

    def forget_old(self) -> None:
        """Drop completed jobs and keys that are older than the retention."""


@runtime_checkable
class Tenant(Protocol):
    """What an adapter has, too, if its runs can leave something where they do not end.

    A process driver calls it when the run is over, the guard if the driver was killed.
    """

    def vacate(self, folder: Path) -> None:
        """Remove what the run in ``folder`` keeps elsewhere. Raises Unavailable if it cannot."""
