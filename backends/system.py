"""A system under test, of whatever kind: what it promises, and what of it can be observed.

A check that needs to see what a system does not show says so, and judges nothing (see
``harness/checks``). A plan that a system cannot carry out is skipped by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from msgspec import Struct

from ..errors import UsageError
from ..protocol.events import Event
from .claims import Claims

Driver = Literal["process", "sim"]
Time = Literal["leap", "real"]  # what real processes live in: see leap/
DRIVERS: tuple[Driver, ...] = ("process", "sim")
EVERYTHING = frozenset(Event)


class Framing(Protocol):
    """How the network proxy finds the round trips in the bytes of a backend's protocol."""

    @property
    def numbered(self) -> bool:
        """Whether replies name the request that they answer.

        If not, they come in order: a reply that is lost takes the rest of its connection along,
        and no message can be delivered twice. Only a :class:`Stateful` framing is shown them.
        """

    def split(self, buffer: bytearray) -> list[bytes]:
        """Take whole messages, as they stand on the wire, off the front of ``buffer``."""

    def describe(self, message: bytes) -> tuple[int, str, str]:
        """(round trip id, call name or "", job id or "") of one message."""


class Session(Protocol):
    """What a framing knows of one connection, where a message alone does not tell its job.

    It is shown every message of its connection once, in the order in which they pass, and may
    keep what it likes: which job a delivery tag stands for, which request comes next to be
    answered. Both methods say what ``describe`` says of a message; 0 is the round trip where
    the framing is not ``numbered``.
    """

    def request(self, message: bytes) -> tuple[int, str, str]:
        """Of a message to the queue: (round trip id, call name or "", job id or "")."""

    def reply(self, message: bytes) -> tuple[int, str, str]:
        """Of a message from the queue: the call that it answers, and the job that it hands out.

        A queue that hands jobs out unasked answers the call ``lease`` with them.
        """


@runtime_checkable
class Stateful(Protocol):
    """What a framing has, too, if it keeps state for each connection; then nobody describes."""

    def session(self) -> Session:
        """A new one, for a connection that has just been opened."""


@runtime_checkable
class Opaque(Protocol):
    """What a framing has, too, if it finds no calls in the bytes: only whole links can break."""

    @property
    def opaque(self) -> bool: ...


@runtime_checkable
class SplitsReplies(Protocol):
    """What a framing has, too, if replies are cut in another way than requests."""

    def split_replies(self, buffer: bytearray) -> list[bytes]:
        """Take whole replies, as they stand on the wire, off the front of ``buffer``."""


class Passing(Protocol):
    """What the last message of a session did to a job, in the words of the library's protocol.

    ``call``: which call it is in jobquake's words, or "". ``refused``: the server's own words, if
    it answered that it lacks what that needs; else "".
    """

    @property
    def call(self) -> str: ...
    @property
    def job(self) -> str: ...
    @property
    def words(self) -> str: ...
    @property
    def refused(self) -> str: ...


@runtime_checkable
class Telling(Protocol):
    """What a session has, too, if a story can name the command that passed."""

    @property
    def passing(self) -> Passing | None:
        """Of the message that it was shown last; None: it concerns no job."""


@runtime_checkable
class Taking(Protocol):
    """What a session has, too, if it knows which requests ask for a job without naming it.

    ``asks`` is about the last request that it was shown, ``answers`` about the last reply.
    """

    @property
    def asks(self) -> bool: ...
    @property
    def answers(self) -> bool: ...


class System(Protocol):
    """What can be put under test. ``violates`` names the check that a broken twin must fail."""

    @property
    def name(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def claims(self) -> Claims: ...
    @property
    def violates(self) -> str | None: ...
    @property
    def framing(self) -> Framing | None:
        """None if no network lies between the workers and the queue."""

    def server(self, folder: Path, port: int) -> list[str] | None:
        """The command that serves the queue from ``folder``; prints ``ready HOST:PORT``.

        None if the queue is a library on a shared file and has no server.
        """


@runtime_checkable
class Veiled(Protocol):
    """What a system has, too, if the harness cannot observe all of it.

    ``sees`` are the events that would be in the ledger if they happened. What cannot happen
    there at all (a dead letter, where there are none) counts as seen.
    """

    @property
    def sees(self) -> frozenset[Event]: ...


class Advised(Struct, frozen=True):
    """A guarantee that a configuration cannot give: what decides it, what to change, and where
    that is documented.
    """

    guarantee: str
    setting: str
    change: str
    source: str


@runtime_checkable
class Advising(Protocol):
    """What a system has, too, if its configuration was read."""

    def advice(self) -> Sequence[Advised]:
        """What the configuration cannot give."""


@runtime_checkable
class Counting(Protocol):
    """What a system has, too, if its jobs' effects are known to somebody outside, or to nobody."""

    @property
    def counted(self) -> str:
        """What exactly is counted, or that nothing is; "" where each effect is in the ledger."""


@runtime_checkable
class Found(Protocol):
    """What a system has, too, if its name alone does not find it again."""

    @property
    def options(self) -> str:
        """The options of a command that find it, as a shell reads them."""


@runtime_checkable
class Driven(Protocol):
    """What a system has, too, if not every driver can run it."""

    @property
    def drivers(self) -> tuple[Driver, ...]: ...


def sees(system: System) -> frozenset[Event]:
    """The events that can be observed of the system: all of them, unless it says otherwise."""
    seen: frozenset[Event] = getattr(system, "sees", EVERYTHING)
    return seen


def drivers(system: System) -> tuple[Driver, ...]:
    """The drivers that can run the system: all of them, unless it says otherwise.

    A queue that cannot live in this process (no ``local``) has no virtual time.
    """
    if isinstance(system, Driven):
        return system.drivers
    return DRIVERS if hasattr(system, "local") else ("process",)


def see_driver(driver: Driver, system: System) -> None:
    """Raise :class:`UsageError` if that driver cannot run the system."""
    able = drivers(system)
    if driver not in able:
        raise UsageError(
            f"expected a backend that runs with the driver {driver}, found {system.name}, which "
            f"runs with {' and '.join(able)} only; name another backend or another driver"
        )
