"""Hearing of changes in PostgreSQL: announced by the write itself, if somebody listens."""

from __future__ import annotations

import hashlib
import select
from collections.abc import Callable
from typing import Any, Protocol

from psycopg import sql

from ....protocol.commands import Unanswered
from .postgres_connection import LOOK_EVERY_S, LOST, ImpatientConnection

LONGEST_PAUSE_S = 1.0


class Line(Protocol):
    """What is heard over: the store's own connection, dialled anew if it was lost."""

    def connected(self) -> ImpatientConnection: ...
    def hang_up(self) -> None: ...
    def persist(self, send: Callable[[], Any]) -> tuple[Any, bool]: ...


class Listening:
    """The bell of a :class:`~.postgres.PostgresStore`: each payload is the time of what may happen.

    Changes are announced from the moment when the lock shows that somebody listens. A write that
    looked for it just before, and is not committed yet, is not; so as long as one of those may
    be under way, the caller is sent to look again.
    """

    def __init__(self, store: Line, channels: list[str]) -> None:
        self._store = store
        self._channels = channels
        self._heard_on: ImpatientConnection | None = None
        self._unheard_below: int | None = None
        self._pause_s = LOOK_EVERY_S

    def listen(self) -> None:
        def send() -> None:
            connection = self._store.connected()
            for channel in self._channels:
                connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                connection.execute("SELECT pg_advisory_lock_shared(%s)", (bell_of(channel),))
            self._heard_on = connection
            oldest, self._unheard_below = _under_way(connection)
            self._settle(oldest)

        self._store.persist(send)

    def wait(self, timeout_s: float) -> float | None:
        try:
            connection = self._store.connected()
            if connection is not self._heard_on:
                self.listen()
                return 0.0  # the line was down: anything may have happened
            if self._unheard_below is not None:
                return self._look_again(connection, timeout_s)
            heard = list(connection.notifies(timeout=0))
            if not heard and select.select([connection], [], [], max(0.0, timeout_s))[0]:
                heard = list(connection.notifies(timeout=0))
        except LOST as error:
            self._store.hang_up()
            raise Unanswered(
                f"expected word of a change, found a lost connection: {error}"
            ) from error
        return min((float(said.payload) for said in heard), default=None)

    def _look_again(self, connection: ImpatientConnection, timeout_s: float) -> float:
        select.select([connection], [], [], max(0.0, min(timeout_s, self._pause_s)))
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)  # it may be somebody's long work
        self._settle(_under_way(connection)[0])
        return 0.0

    def _settle(self, oldest: int) -> None:
        """Nobody who may have overlooked us is under way any more, if ``oldest`` began later."""
        if self._unheard_below is not None and oldest >= self._unheard_below:
            self._unheard_below = None


def _under_way(connection: ImpatientConnection) -> tuple[int, int]:
    """The oldest write that is not committed, and the next one that will begin."""
    ((oldest, coming),) = connection.execute(
        "SELECT pg_snapshot_xmin(now)::text::bigint, pg_snapshot_xmax(now)::text::bigint"
        " FROM pg_current_snapshot() AS now"
    )
    return int(oldest), int(coming)


def bell_of(channel: str) -> int:
    """The number of the lock that says that somebody listens to this channel."""
    return int.from_bytes(hashlib.sha1(channel.encode()).digest()[:8], "big", signed=True)
