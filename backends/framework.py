"""What the harness needs of a framework: a library with workers of its own, and an app on it.

The harness starts the library's own worker command and kills it as it kills any worker. What
the worker does is reported by a probe inside of it (:mod:`..protocol.probe`), which the app or
a hook of the library loads; what the broker still holds is asked over ``control``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from msgspec import Struct

from ..protocol.commands import RetryPolicy
from ..protocol.events import Event
from .adapter import Connection
from .system import Driver, System


class Program(NamedTuple):
    """A command, what its environment has besides the driver's own, and the folder to start it in.

    Without one it is started in the folder of the run.
    """

    argv: list[str]
    env: Mapping[str, str] = {}
    folder: Path | None = None


class Wishes(Struct, frozen=True):
    """What a plan asks of whoever runs its jobs; times in seconds."""

    queues: tuple[str, ...]
    lease_s: float
    grace_s: float
    max_deliveries: int
    retry: RetryPolicy


class Settings(Struct, frozen=True):
    """What became of the wishes: ``given`` in the framework's own words, and the names of
    those that it has no setting for. A result keeps both."""

    given: Mapping[str, str] = {}
    not_honoured: tuple[str, ...] = ()


class Service(NamedTuple):
    """What an app calls besides its broker, at ``host`` and ``port`` in its own words.

    ``command`` starts a server of the run's own in its place; ``{port}`` in it is where it listens.
    """

    name: str
    host: str
    port: int
    command: tuple[str, ...]


@runtime_checkable
class Calling(Protocol):
    """What a framework has, too, if its jobs call services that a run puts in place."""

    @property
    def services(self) -> Sequence[Service]: ...
    def lead(self, env: Mapping[str, str], places: Mapping[str, str]) -> Mapping[str, str]:
        """The environment, so that what is meant for a service goes to its place (HOST:PORT)."""


@runtime_checkable
class FrameworkSystem(System, Protocol):
    """A framework under test. Nothing of it is imported here: it has its own environment."""

    @property
    def sees(self) -> frozenset[Event]: ...
    @property
    def drivers(self) -> tuple[Driver, ...]: ...

    def settings(self, wishes: Wishes) -> Settings:
        """What of the plan it can honour, and how."""

    def worker_command(
        self, folder: Path, address: str, queues: tuple[str, ...], settings: Settings
    ) -> Program:
        """The library's own command for a worker of these queues, with the probe's hook.

        ``address`` is that of its broker, or the folder if it has none.
        """

    def producer_command(self, folder: Path, address: str) -> Program:
        """A program that enqueues, job by job, what :func:`..protocol.submit.submit` hands it."""

    def control(self, address: str) -> Connection:
        """What the broker still holds: answers ``Measure`` and ``Inspect``, past the network."""
