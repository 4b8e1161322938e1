"""The reference queue as backends: over TCP (the default), on a shared SQLite file, and broken.

A twin is the same adapter with one decision or the worker replaced.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Literal

from .. import worker as workers
from ..adapter import Claims, Connection, Queue
from ..clock import anchored_clock
from ..commands import Command, Lease, Leased, Reply
from ..worker import WorkerProgram
from . import wire
from .client import Client
from .core import CORRECT, Decisions
from .memory import MemoryStore
from .queue import ReferenceQueue
from .sqlite import SQLiteStore

FILE = "queue.db"
IN_MEMORY = ":memory:"
FILE_POLL_S = 0.02


class WireFraming:
    """The broker's frames, for the network proxy."""

    def split(self, buffer: bytearray) -> list[bytes]:
        return [len(body).to_bytes(wire.HEADER, "big") + body for body in wire.split(buffer)]

    def describe(self, message: bytes) -> tuple[int, str, str]:
        return wire.peek(message[wire.HEADER :])


class LocalQueue:
    """The reference queue in this process, on any store."""

    def __init__(self, queue: ReferenceQueue, durable: bool = True) -> None:
        self._queue = queue
        self._durable = durable
        self.call: Callable[[Command], Reply] = queue.call

    def next_change_at(self, queues: tuple[str, ...]) -> float | None:
        return self._queue.store.next_change_at(queues)

    def crash(self) -> None:
        if not self._durable:
            self._queue.store = MemoryStore()


class FileQueue:
    """The reference queue on a shared file: a lease that waits looks again and again."""

    def __init__(self, queue: ReferenceQueue) -> None:
        self._queue = queue

    def attempt(self, command: Command) -> Reply | None:
        until = time.monotonic() + (command.wait_s if isinstance(command, Lease) else 0.0)
        while True:
            try:
                reply = self._queue.call(command)
            except sqlite3.OperationalError:
                return None  # locked for too long: nobody can say whether it took effect
            found = not isinstance(reply, Leased) or reply.delivery
            if found or time.monotonic() >= until:
                return reply
            time.sleep(FILE_POLL_S)

    def close(self) -> None:
        self._queue.store.close()


@dataclass(frozen=True)
class ReferenceAdapter:
    """The reference queue; see :class:`..adapter.Adapter` for the members.

    ``access`` says how processes reach it: ``tcp`` (a broker) or ``file`` (each opens
    the SQLite file itself). ``simulated_store`` is the store under the simulator.
    ``durable`` is False if the broker keeps its jobs in memory only.
    """

    name: str
    summary: str
    violates: str | None = None
    decisions: Decisions = CORRECT
    worker: WorkerProgram = workers.worker
    claims: Claims = field(default_factory=Claims)
    access: Literal["tcp", "file"] = "tcp"
    simulated_store: Literal["memory", "sqlite"] = "memory"
    durable: bool = True

    @property
    def framing(self) -> WireFraming | None:
        return WireFraming() if self.access == "tcp" else None

    def local(self, now: Callable[[], float], rng: Random) -> Queue:
        store = MemoryStore() if self.simulated_store == "memory" else SQLiteStore(":memory:")
        return LocalQueue(ReferenceQueue(store, now, rng, self.decisions), self.durable)

    def server(self, folder: Path, port: int) -> list[str] | None:
        if self.access == "file":
            return None
        file = str(folder / FILE) if self.durable else IN_MEMORY
        command = [sys.executable, "-m", "jobquake", "broker", "--db", file]
        return [*command, "--port", str(port), "--backend", self.name]

    def connect(self, address: str, timeout_s: float) -> Connection:
        if self.access == "file":
            store = SQLiteStore(Path(address) / FILE)
            return FileQueue(ReferenceQueue(store, anchored_clock(), Random(), self.decisions))
        return Client(address, connect_timeout_s=timeout_s, read_timeout_s=timeout_s)


REFERENCE = ReferenceAdapter(
    "reference", "the reference queue behind its TCP broker, durable in SQLite"
)
REFERENCE_SQLITE = ReferenceAdapter(
    "reference-sqlite",
    "the reference queue on one SQLite file that all processes share, no network",
    access="file",
    simulated_store="sqlite",
)
