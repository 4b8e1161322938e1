"""The reference queue as backends: in every place where it can live, and broken.

A twin is the same adapter with one decision or the worker replaced. ``NAME@PLACE`` is the
backend ``NAME`` put in another place of :mod:`.places`, such as ``twin-no-lease@redis``.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random

import msgspec

from ..._moved import renamed
from ...protocol import worker as workers
from ...protocol.clock import Clock
from ...protocol.commands import Command, Reply
from ...protocol.worker import WorkerProgram
from ..adapter import Claims, Connection, Framing, Queue
from .core import CORRECT, Decisions
from .places import PLACES, Broker, Place, SharedServer
from .queue import RETENTION_S, ReferenceQueue
from .stores.store import Store


class LocalQueue:
    """The reference queue in this process, on any store. It forgets as the broker does."""

    def __init__(
        self,
        clock: Clock,
        rng: Random,
        decisions: Decisions,
        place: Place,
        retention_s: float = RETENTION_S,
    ) -> None:
        self._clock = clock
        self._place = place
        self._queue_on = partial(
            ReferenceQueue, clock=clock, rng=rng, decisions=decisions, retention_s=retention_s
        )
        self._store = self._fresh_store()
        self._serve(self._store)

    def call(self, command: Command) -> Reply:
        self._queue.keep_house()
        return self._queue.call(command)

    def next_change_at(self, queues: tuple[str, ...]) -> float | None:
        change_at = self._queue.store.next_change_at(queues)
        ahead_s = self._queue.now() - self._clock.monotonic()
        return None if change_at is None else change_at - ahead_s

    def forget_old(self) -> None:
        self._queue.keep_house()

    def crash(self) -> None:
        if not self._place.survives_crash:
            self._discard()
            self._store = self._fresh_store()
        self._serve(self._store)

    def _serve(self, store: Store) -> None:
        """Be the process that has just begun to serve this store."""
        self._queue = self._queue_on(store)

    def _fresh_store(self) -> Store:
        store = self._place.local_store()
        # The store and not the queue, whose clock leads back to whoever holds us.
        self._discard = weakref.finalize(self, self._place.discard, store)
        return store


@dataclass(frozen=True)
class ReferenceAdapter:
    """The reference queue; see :class:`..adapter.Adapter` for the members.

    ``place`` says where the queue lives and how processes reach it, ``retention_s`` for how
    long it remembers what is completed. A twin says which check it ``violates``, which test of
    the contract fails for it (``contract_test``), and with ``bug_class`` the family of public
    bugs that it stands for.
    """

    name: str
    summary: str
    violates: str | None = None
    decisions: Decisions = CORRECT
    worker: WorkerProgram = workers.worker
    claims: Claims = field(default_factory=partial(Claims, retention_s=RETENTION_S))
    place: Place = PLACES["broker"]
    bug_class: str = ""
    contract_test: str = ""
    retention_s: float = RETENTION_S

    def at(self, place: str) -> ReferenceAdapter:
        """The same queue in another place. Raises KeyError if there is no such place."""
        claims = msgspec.structs.replace(self.claims, caveat=PLACES[place].caveat)
        return replace(self, name=f"{self.name}@{place}", place=PLACES[place], claims=claims)

    def retaining(self, retention_s: float) -> ReferenceAdapter:
        claims = msgspec.structs.replace(self.claims, retention_s=retention_s)
        return replace(self, retention_s=retention_s, claims=claims)

    @property
    def framing(self) -> Framing | None:
        return self.place.framing

    def local(self, clock: Clock, rng: Random) -> Queue:
        return LocalQueue(clock, rng, self.decisions, self.place, self.retention_s)

    def server(self, folder: Path, port: int) -> list[str] | None:
        return self.place.server(self.name, folder, port, self.retention_s)

    def connect(self, address: str, timeout_s: float) -> Connection:
        return self.place.connect(address, timeout_s, self.decisions, self.retention_s)

    def programs(self) -> Sequence[str]:
        return self.place.programs()

    def preload(self) -> None:
        self.place.preload()

    def vacate(self, folder: Path) -> None:
        self.place.vacate(folder)

    @property
    def reads_time_at_start(self) -> bool:
        return not isinstance(self.place, Broker)

    def elsewhere(self) -> str:
        return self.place.elsewhere()

    def who_answers(self, folder: Path) -> str:
        return self.place.who_answers(folder) if isinstance(self.place, SharedServer) else ""


def in_place(name: str, summary: str, place: str) -> ReferenceAdapter:
    """The correct queue in that place."""
    claims = Claims(caveat=PLACES[place].caveat, retention_s=RETENTION_S)
    return ReferenceAdapter(name, summary, place=PLACES[place], claims=claims)


_NOW = "jobquake.backends.built_in"
__getattr__ = renamed(
    __name__,
    REFERENCE=f"{_NOW}.reference:BACKEND",
    REFERENCE_SQLITE=f"{_NOW}.reference_sqlite:BACKEND",
    REFERENCE_REDIS=f"{_NOW}.reference_redis:BACKEND",
    REFERENCE_REDIS_CARELESS=f"{_NOW}.reference_redis_careless:BACKEND",
    REFERENCE_POSTGRES=f"{_NOW}.reference_postgres:BACKEND",
    REFERENCE_POSTGRES_CARELESS=f"{_NOW}.reference_postgres_careless:BACKEND",
)
