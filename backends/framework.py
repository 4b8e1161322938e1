"""What the harness needs of a framework: a library with workers of its own, and an app on it.

The harness starts the library's own worker command and kills it as it kills any worker. What
the worker does is reported by a probe inside of it (:mod:`..protocol.probe`), which the app or
a hook of the library loads; what the broker still holds is asked over ``control``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from msgspec import Struct

from ..protocol.commands import RetryPolicy
from ..protocol.events import Event
from .adapter import Connection
from .system import Driver, System

if TYPE_CHECKING:
    from ..proxy.loop_thread import LoopClock


class Program(NamedTuple):
    """A command, what its environment has besides the driver's own, and the folder to start it in.

    Without one it is started in the folder of the run.
    """

    argv: list[str]
    env: Mapping[str, str] = {}
    folder: Path | None = None


class Wishes(Struct, frozen=True):
    """What a plan asks of whoever runs its jobs; times in seconds.

    ``names``: a worker that comes back has the name that it had. ``delays``: some jobs are due
    later.
    """

    queues: tuple[str, ...]
    lease_s: float
    grace_s: float
    max_deliveries: int
    retry: RetryPolicy
    names: bool = False
    delays: bool = False


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
class Preparing(Protocol):
    """What a framework has, too, if an empty broker has to be made ready for an app."""

    def preparing_command(self, folder: Path, address: str) -> Program | None:
        """A program that does so at that address, once, before any worker; None: nothing to do."""


@runtime_checkable
class Nudged(Protocol):
    """What the control of a framework has, too, if a message makes its workers look.

    Some look for what dead workers have left only when there is something new.
    """

    def nudge(self) -> None:
        """Send one that asks for nothing. Raises OSError, EnvironmentFault."""


class Counted(NamedTuple):
    """How often the effect of each job happened, by its number; ``strangers`` are of no job.

    A job that is not named has its effects in the ledger.
    """

    times: Mapping[int, int]
    strangers: int


class Tally(Protocol):
    """Counts what the jobs of one run do to the world."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What the processes of the run have in their environment for that."""

    def count(self, returned: int) -> Counted:
        """At the end, when ``returned`` jobs have returned. Raises JobquakeError."""

    def close(self) -> None: ...


class Asked(Protocol):
    """Calls functions of an app for us."""

    def ask(self, name: str) -> Any:
        """What ``module:function`` returns. Raises JobquakeError."""

    def close(self) -> None: ...


@runtime_checkable
class Witnessed(Protocol):
    """What a framework has, too, if somebody may know of its jobs' effects."""

    def asked(self) -> Asked:
        """Somebody in the app's own Python."""

    @property
    def properties(self) -> Sequence[Any]:
        """What is said to be always, eventually or never so (:mod:`..harness.properties`)."""

    @property
    def counted(self) -> str:
        """What exactly is counted, or that nothing is."""

    def tally(
        self,
        folder: Path,
        jobs: Sequence[str],
        clock: Callable[[], float],
        loop_clock: LoopClock | None,
    ) -> Tally | None:
        """Begin to count the effects of these jobs; None: nobody knows them."""


@runtime_checkable
class Reporting(Protocol):
    """What a framework has, too, if its jobs tell of themselves, with nothing of ours inside them.

    Where none of them has told anything, nothing is known of its workers.
    """

    @property
    def reports(self) -> str:
        """What a job has to do for that, as the end of a sentence."""


@runtime_checkable
class Queued(Protocol):
    """What a framework has, too, if perhaps nobody tells its workers which queues they serve."""

    @property
    def untold(self) -> str:
        """Why its workers cannot be told; "" if they can."""


@runtime_checkable
class Renaming(Protocol):
    """What a framework has, too, if a worker of its can be one that does not know a task."""

    @property
    def renames(self) -> bool: ...


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
        self,
        folder: Path,
        address: str,
        queues: tuple[str, ...],
        settings: Settings,
        number: int,
    ) -> Program:
        """The library's own command for a worker of these queues, with the probe's hook.

        ``address`` is that of its broker, or the folder if it has none. ``number``: of the worker
        in its run, for whoever gives workers names.
        """

    def producer_command(self, folder: Path, address: str) -> Program:
        """A program that enqueues, job by job, what :func:`..protocol.submit.submit` hands it."""

    def control(self, address: str) -> Connection:
        """What the broker still holds: answers ``Measure`` and ``Inspect``, past the network."""
