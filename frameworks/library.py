"""What the harness needs to know of a library that brings its own workers, and where it finds it.

A library is a folder in ``libraries/``; there is no list to edit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple, Protocol, runtime_checkable

from msgspec import Struct

from ..backends.claims import Claims
from ..backends.system import Framing
from ..protocol.commands import Inspected
from .sign import ROOM, names

# What a library promises that promises nothing but to deliver; each says what it claims besides.
LEAST = Claims(
    fencing=False,
    bounded_deliveries=False,
    dead_letters=False,
    priorities=False,
    idempotent_enqueue=False,
    idempotent_settle=False,
    skips_completed_keys=False,
    bounded_backlog=False,
    durable=False,
    retries=False,
    delays=False,
    steady_time=False,
    ordered=False,
    timeouts=False,
    backoff_after_expiry=False,
    prompt=False,
)


class Looked(Struct, frozen=True):
    """What an app has said of itself (``inside/run.py``): all of it read in the app's own Python.

    ``settings`` are the library's own names and values, ``of_task`` those of the task that is
    called. ``options`` are those that its client is given for each job. ``load_s`` is how long the
    app took to load, ``worker`` the team's worker command.
    ``prepares``: an empty broker has to be made ready for the app first, as with a schema.
    """

    library: str
    python: str
    version: str
    broker: str
    results: str = ""
    queue: str = ""
    queues: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    task: str = ""
    settings: dict[str, Any] = {}
    of_task: dict[str, Any] = {}
    load_s: float = 0.0
    worker: tuple[str, ...] = ()
    prepares: bool = False
    options: dict[str, Any] = {}

    def setting(self, name: str) -> Any:
        """Of the task, or else of the app."""
        own = self.of_task.get(name)
        return self.settings.get(f"task_{name}", self.settings.get(name)) if own is None else own


class Recovery(NamedTuple):
    """How long the library may take by itself to bring back what a dead worker held.

    ``why`` names what decides it.
    """

    seconds: float
    why: str


class Finding(NamedTuple):
    """What a configuration cannot give: the guarantee, the setting that decides it, the proof.

    ``scenario`` shows it; ``source`` is where the library documents it.
    """

    guarantee: str
    setting: str
    advice: str
    scenario: str
    source: str


class Held(NamedTuple):
    """What a broker holds: each job that it knows, by id, and what its clock says."""

    jobs: Mapping[str, Inspected]
    now: float


class Library(Protocol):
    """One library. All of it is about ``looked``, an app as it is configured."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def own_task(self) -> str:
        """What jobquake's own task is called, for whoever names none of the team's."""

    @property
    def notices_s(self) -> float:
        """How long a worker may take to notice that one of its processes is dead."""

    def framing(self, looked: Looked) -> Framing:
        """How the proxy finds the calls in what passes between worker and broker."""

    def claims(self, looked: Looked) -> Claims:
        """What its documentation promises for that configuration."""

    def recovery(self, looked: Looked) -> Recovery: ...

    def worker(
        self, python: str, target: str, looked: Looked, queues: Sequence[str], number: int
    ) -> list[str]:
        """Its own command for a worker; no queues: those that the app has."""

    def held(self, looked: Looked, address: str) -> Held:
        """Read what the broker at that address holds. Raises OSError, EnvironmentFault."""

    def examine(self, looked: Looked) -> list[Finding]:
        """Which guarantees that configuration cannot give."""


@runtime_checkable
class Obliging(Protocol):
    """What a library has, too, whose usual worker command leaves out what some plans need."""

    def named(self, number: int) -> list[str]:
        """What gives that worker a name of its own, which its successor has, too."""

    @property
    def delays(self) -> list[str]:
        """What has workers run what is due later."""


@runtime_checkable
class LooksWhenNew(Protocol):
    """What a library has, too, whose workers look for what is left only when a message comes."""

    def nudge(self, looked: Looked, address: str) -> None:
        """Send one that asks for nothing. Raises OSError, EnvironmentFault."""


def find(name: str) -> Library:
    """The library of that name. Raises KeyError."""
    if name not in names():
        raise KeyError(name)
    module = import_module(f"{ROOM}.{name}.outside")
    library: Library = module.LIBRARY
    return library
