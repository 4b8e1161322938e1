"""Where the reference queue can live, and how processes reach it there.

A place and the queue's decisions are independent of each other: any queue, correct or
broken, can be put in any of them. ``broker`` is the default; the others have no process
of ours between the workers and the store.
"""

from __future__ import annotations

import atexit
import hashlib
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Literal, NamedTuple, Protocol

from ...protocol.clock import Clock
from ...protocol.commands import Command, Lease, Leased, Reply, Unanswered
from ...servers import running
from ...servers.source import Foreign, Image, MissingServer, shown, source, variable
from ..adapter import Connection, Framing
from .broker.client import Client
from .core import Decisions
from .direct import DirectConnection, of_all
from .framing import BrokerFraming, PostgresFraming, RedisFraming
from .queue import RETENTION_S, ReferenceQueue
from .stores.memory import MemoryStore
from .stores.server_words import of_sqlite
from .stores.sqlite import SQLiteStore
from .stores.store import SharedStore, Store, StoreError

FILE = "queue.db"
FILE_POLL_S = 0.02
SIMULATED_TIMEOUT_S = 10.0
FOREIGN_TIMEOUT_S = 5.0
CARELESS_CAVEATS = {
    "redis": "this Redis runs with appendonly no, so it answers before the disk has anything; "
    "appendonly yes with appendfsync always keeps what it acknowledged",
    "postgres": "this PostgreSQL runs with synchronous_commit off, so it answers before the disk "
    "has anything; synchronous_commit on and fsync on keep what it acknowledged",
}


class Place(Protocol):
    """A kind of store and the way to it; the members are as in :class:`..adapter.Adapter`."""

    @property
    def framing(self) -> Framing | None: ...
    @property
    def survives_crash(self) -> bool:
        """Whether the simulator keeps the jobs when the server is killed."""

    @property
    def caveat(self) -> str:
        """What its settings leave open: see :class:`..adapter.Claims`."""

    def local_store(self) -> Store:
        """A fresh store for a queue in this process."""

    def discard(self, store: Store) -> None:
        """Close a local store for good; nothing of it is left."""

    def elsewhere(self) -> str:
        """See :class:`...backends.adapter.Elsewhere`."""

    def programs(self) -> Sequence[str]:
        """See :class:`...backends.adapter.Starting`."""

    def preload(self) -> None:
        """See :class:`...backends.adapter.Preloading`."""

    def vacate(self, folder: Path) -> None:
        """Remove what the run in ``folder`` keeps outside of it."""

    def server(
        self, backend: str, folder: Path, port: int, retention_s: float = RETENTION_S
    ) -> list[str] | None: ...

    def connect(
        self,
        address: str,
        timeout_s: float,
        decisions: Decisions,
        retention_s: float = RETENTION_S,
    ) -> Connection: ...


class InItsFolder:
    """What a place has that keeps all of a run in its folder, by programs of ours alone."""

    def discard(self, store: Store) -> None:
        store.close()

    def elsewhere(self) -> str:
        return ""

    def programs(self) -> Sequence[str]:
        return [sys.executable]

    def preload(self) -> None:
        """There is nothing that is imported late."""

    def vacate(self, folder: Path) -> None:
        """All of it is in the folder."""


@dataclass(frozen=True)
class Broker(InItsFolder):
    """Our own broker over TCP, SQLite inside; memory under the simulator.

    One that does not survive its crash has SQLite in memory, too.
    """

    survives_crash: bool = True

    @property
    def caveat(self) -> str:
        return "" if self.survives_crash else "the broker keeps its jobs in memory only"

    @property
    def framing(self) -> Framing | None:
        return BrokerFraming()

    def local_store(self) -> Store:
        return MemoryStore()

    def server(
        self, backend: str, folder: Path, port: int, retention_s: float = RETENTION_S
    ) -> list[str] | None:
        file = str(folder / FILE) if self.survives_crash else ":memory:"
        command = [sys.executable, "-m", "jobquake", "broker", "--db", file]
        command += ["--port", str(port), "--backend", backend]
        return [*command, "--retention", f"{retention_s}s"]

    def connect(
        self,
        address: str,
        timeout_s: float,
        decisions: Decisions,
        retention_s: float = RETENTION_S,
    ) -> Connection:
        return Client(address, connect_timeout_s=timeout_s, read_timeout_s=timeout_s)


@dataclass(frozen=True)
class SharedFile(InItsFolder):
    """One SQLite file that all processes open; no network."""

    framing: Framing | None = None
    survives_crash: bool = True
    caveat: str = ""

    def local_store(self) -> Store:
        return SQLiteStore(":memory:")

    def server(
        self, backend: str, folder: Path, port: int, retention_s: float = RETENTION_S
    ) -> list[str] | None:
        return None

    def connect(
        self,
        address: str,
        timeout_s: float,
        decisions: Decisions,
        retention_s: float = RETENTION_S,
    ) -> Connection:
        store = SQLiteStore(Path(address) / FILE)
        queue = ReferenceQueue(store, Clock(), Random(), decisions, retention_s)
        return FileQueue(queue)


class SharedServer(NamedTuple):
    """Redis or PostgreSQL, used by all processes directly.

    ``careless`` runs a server of ours with settings that acknowledge before the disk. If
    the environment names somebody else's server (see :mod:`..servers.source`), that one is
    used instead, as it is: it is not ours to kill, so a crash of it strikes nothing.
    Otherwise the simulator starts one of ours, for as long as this process lives.
    """

    kind: Literal["redis", "postgres"]
    careless: bool = False

    @property
    def caveat(self) -> str:
        return CARELESS_CAVEATS[self.kind] if self.careless else ""

    @property
    def framing(self) -> Framing | None:
        return RedisFraming() if self.kind == "redis" else PostgresFraming()

    @property
    def survives_crash(self) -> bool:
        # What a careless PostgreSQL loses hangs on its timing, which only real processes have.
        return self.kind != "redis" or not self.careless

    def local_store(self) -> Store:
        name = f"sim-{uuid.uuid4().hex}"
        if url := self._foreign():
            with self._answering(name):
                return open_store(self.kind, url, name, SIMULATED_TIMEOUT_S)
        own = url_of(self.kind, own_server(self.kind))
        return open_store(self.kind, own, name, SIMULATED_TIMEOUT_S)

    def discard(self, store: Store) -> None:
        if self._foreign():
            with suppress(Unanswered, StoreError):  # nobody is left to be told
                store.destroy()  # type: ignore[attr-defined]
        store.close()

    def server(
        self, backend: str, folder: Path, port: int, retention_s: float = RETENTION_S
    ) -> list[str] | None:
        if self._foreign():
            with self._answering(_store_name(folder)):  # find out now, and not in the middle
                self._open_in(folder, FOREIGN_TIMEOUT_S).close()
            return None
        return running.command(self.kind, folder, port, self.careless)

    def connect(
        self,
        address: str,
        timeout_s: float,
        decisions: Decisions,
        retention_s: float = RETENTION_S,
    ) -> Connection:
        client_of(self.kind)  # find out now, and not in the middle, that it is missing

        def open_queue() -> tuple[ReferenceQueue, SharedStore]:
            if Path(address).is_absolute():
                store = self._open_in(Path(address), timeout_s)
            else:
                store = open_store(self.kind, url_of(self.kind, address), "jobquake", timeout_s)
            return ReferenceQueue(store, store.clock, Random(), decisions, retention_s), store

        return DirectConnection(open_queue)

    def programs(self) -> Sequence[str]:
        if self.elsewhere():
            return [sys.executable]
        return running.programs(self.kind)

    def preload(self) -> None:
        client_of(self.kind)

    def elsewhere(self) -> str:
        with suppress(MissingServer):  # the run tells of it when it starts one
            where = source(self.kind)
            if isinstance(where, Foreign):
                return "the server is somebody else's"
            if isinstance(where, Image):
                return "the server runs in a container"
        return ""

    def who_answers(self, folder: Path) -> str:
        if not self._foreign():
            return ""
        with self._answering(_store_name(folder)):
            store = self._open_in(folder, FOREIGN_TIMEOUT_S)
            try:
                return store.process()
            finally:
                store.close()

    def vacate(self, folder: Path) -> None:
        if self._foreign():
            with self._answering(_store_name(folder)):
                store = self._open_in(folder, FOREIGN_TIMEOUT_S)
                store.destroy()
                store.close()

    def _foreign(self) -> str | None:
        """The URL of somebody else's server, if the environment names one."""
        try:
            where = source(self.kind)
        except MissingServer as error:
            raise StoreError(str(error)) from error
        return where.url if isinstance(where, Foreign) else None

    def _open_in(self, folder: Path, timeout_s: float) -> SharedStore:
        """The store of the run in ``folder``: others in that server are not touched."""
        url = self._foreign()
        assert url is not None
        return open_store(self.kind, url, _store_name(folder), timeout_s)

    @contextmanager
    def _answering(self, name: str) -> Iterator[None]:
        """Raises StoreError if somebody else's server does not answer in the block."""
        try:
            yield
        except Unanswered as error:
            raise StoreError(
                f"expected an answer from {shown(self._foreign() or '')}, found none; start it, or "
                f"unset {variable(self.kind)} (all that is ours in it is the store {name})"
            ) from error


PLACES: dict[str, Place] = {
    "broker": Broker(),
    "broker-careless": Broker(survives_crash=False),
    "sqlite": SharedFile(),
    "redis": SharedServer("redis"),
    "redis-careless": SharedServer("redis", careless=True),
    "postgres": SharedServer("postgres"),
    "postgres-careless": SharedServer("postgres", careless=True),
}


class FileQueue:
    """The reference queue on a shared file: a lease that waits looks again and again."""

    def __init__(self, queue: ReferenceQueue) -> None:
        self._queue = queue

    def attempt(self, command: Command) -> Reply | None:
        until = time.monotonic() + (command.wait_s if isinstance(command, Lease) else 0.0)
        while True:
            try:
                self._queue.keep_house()
                reply = of_all(self._queue.call(command))
            except sqlite3.OperationalError as error:
                return of_sqlite(error)
            found = not isinstance(reply, Leased) or reply.delivery
            if found or time.monotonic() >= until:
                return reply
            time.sleep(FILE_POLL_S)

    def close(self) -> None:
        self._queue.store.close()


Maker = Callable[[str, str, float], SharedStore]


def client_of(kind: str) -> Maker:
    """The store of that kind, its client imported only now. Raises StoreError without it."""
    module = import_module(f".stores.{kind}", __package__)
    maker: Maker = module.RedisStore if kind == "redis" else module.PostgresStore
    return maker


def open_store(kind: str, url: str, name: str, timeout_s: float) -> SharedStore:
    """The store ``name`` in the server at ``url``; each attempt bounded by ``timeout_s``."""
    return client_of(kind)(url, name, timeout_s)


def url_of(kind: str, address: str) -> str:
    """How a client writes the address HOST:PORT of a server of ours."""
    if kind == "redis":
        return f"redis://{address}/0"
    from ...servers.postgres import DATABASE, USER

    return f"postgresql://{USER}@{address}/{DATABASE}"


def _store_name(folder: Path) -> str:
    return f"jobquake-run-{hashlib.sha256(str(folder).encode()).hexdigest()[:32]}"


@cache
def own_server(kind: str) -> str:
    """The address of a server that is started once and ends with this process.

    It ends and removes its folder by itself, even if this process is killed. Raises
    StoreError if it cannot be started here.
    """
    folder = Path(tempfile.gettempdir()) / f"jobquake-{kind}-{uuid.uuid4().hex}"
    try:
        server = running.start(kind, folder, careless=True, lifeline=True)
    except MissingServer as error:
        raise StoreError(str(error)) from error
    atexit.register(running.stop, server)
    return server.address
