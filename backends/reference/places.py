"""Where the reference queue can live, and how processes reach it there.

A place and the queue's decisions are independent of each other: any queue, correct or
broken, can be put in any of them. ``broker`` is the default; the others have no process
of ours between the workers and the store.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Literal, NamedTuple, Protocol

from ..adapter import Connection, Framing
from ..clock import anchored_clock
from ..commands import Command, Lease, Leased, Reply
from ..servers import running
from .client import Client
from .core import Decisions
from .direct import DirectConnection, of_all
from .framing import BrokerFraming, PostgresFraming, RedisFraming
from .memory import MemoryStore
from .queue import ReferenceQueue
from .sqlite import SQLiteStore
from .store import SharedStore, Store, StoreError

FILE = "queue.db"
FILE_POLL_S = 0.02
SIMULATED_TIMEOUT_S = 10.0
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

    def server(self, backend: str, folder: Path, port: int) -> list[str] | None: ...

    def connect(self, address: str, timeout_s: float, decisions: Decisions) -> Connection: ...


class Broker(NamedTuple):
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

    def server(self, backend: str, folder: Path, port: int) -> list[str] | None:
        file = str(folder / FILE) if self.survives_crash else ":memory:"
        command = [sys.executable, "-m", "jobquake", "broker", "--db", file]
        return [*command, "--port", str(port), "--backend", backend]

    def connect(self, address: str, timeout_s: float, decisions: Decisions) -> Connection:
        return Client(address, connect_timeout_s=timeout_s, read_timeout_s=timeout_s)


class SharedFile(NamedTuple):
    """One SQLite file that all processes open; no network."""

    framing: Framing | None = None
    survives_crash: bool = True
    caveat: str = ""

    def local_store(self) -> Store:
        return SQLiteStore(":memory:")

    def server(self, backend: str, folder: Path, port: int) -> list[str] | None:
        return None

    def connect(self, address: str, timeout_s: float, decisions: Decisions) -> Connection:
        store = SQLiteStore(Path(address) / FILE)
        return FileQueue(ReferenceQueue(store, anchored_clock(), Random(), decisions))


class SharedServer(NamedTuple):
    """Redis or PostgreSQL, used by all processes directly.

    ``careless`` runs a server of ours with settings that acknowledge before the disk. The
    simulator uses the server named in the environment (JOBQUAKE_REDIS or
    JOBQUAKE_POSTGRES, a URL), or one that it starts for as long as this process lives.
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
        variable = f"JOBQUAKE_{self.kind.upper()}"
        url = os.environ.get(variable) or url_of(self.kind, own_server(self.kind))
        return open_store(self.kind, url, f"sim-{uuid.uuid4().hex}", SIMULATED_TIMEOUT_S)

    def server(self, backend: str, folder: Path, port: int) -> list[str] | None:
        return running.command(self.kind, folder, port, self.careless)

    def connect(self, address: str, timeout_s: float, decisions: Decisions) -> Connection:
        client_of(self.kind)  # find out now, and not in the middle, that it is missing

        def open_queue() -> tuple[ReferenceQueue, SharedStore]:
            store = open_store(self.kind, url_of(self.kind, address), "jobquake", timeout_s)
            clock = anchored_clock(store.wall)
            return ReferenceQueue(store, clock, Random(), decisions), store

        return DirectConnection(open_queue)


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
                reply = of_all(self._queue.call(command))
            except sqlite3.OperationalError:
                return None  # locked for too long: nobody can say whether it took effect
            found = not isinstance(reply, Leased) or reply.delivery
            if found or time.monotonic() >= until:
                return reply
            time.sleep(FILE_POLL_S)

    def close(self) -> None:
        self._queue.store.close()


Maker = Callable[[str, str, float], SharedStore]


def client_of(kind: str) -> Maker:
    """The store of that kind, its client imported only now. Raises StoreError without it."""
    module = import_module(f".{kind}", __package__)
    maker: Maker = module.RedisStore if kind == "redis" else module.PostgresStore
    return maker


def open_store(kind: str, url: str, name: str, timeout_s: float) -> SharedStore:
    """The store ``name`` in the server at ``url``; each attempt bounded by ``timeout_s``."""
    return client_of(kind)(url, name, timeout_s)


def url_of(kind: str, address: str) -> str:
    """How a client writes the address HOST:PORT of a server of ours."""
    if kind == "redis":
        return f"redis://{address}/0"
    from ..servers.postgres import DATABASE, USER

    return f"postgresql://{USER}@{address}/{DATABASE}"


@cache
def own_server(kind: str) -> str:
    """The address of a server that is started once and ends with this process.

    Raises StoreError if it cannot be started here.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"jobquake-{kind}-"))
    try:
        server = running.start(kind, folder, careless=True)  # nothing in it outlives us
    except running.MissingServer as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise StoreError(str(error)) from error

    def end() -> None:
        running.stop(server)
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    return server.address
