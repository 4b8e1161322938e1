"""The store in PostgreSQL: one table in a schema of its own, one statement per write.

Every write is a single statement that commits by itself, so no lock outlives a statement
and a worker that stalls or dies between two of them holds nobody up. A claim proposes what
becomes of the next few jobs, and takes the first one that nobody else is just taking.

An answer means that the disk has it, if the server runs with ``fsync=on``,
``full_page_writes=on`` and ``synchronous_commit=on`` (its defaults). Asynchronous commit
loses the last acknowledged moments in a crash of the server; without fsync a power cut
can lose the whole database. A failover keeps acknowledged work only if the standby is
synchronous. Give several hosts and ``target_session_attrs=read-write`` in the address
and a new connection finds the primary by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import msgspec
from msgspec.structs import replace

from ....protocol.commands import Depth, Unanswered
from ..record import UNREADABLE, Outline, Record, stand_in
from .ambiguous_writes import NO_RECORD, Held, persist, took_effect
from .identity import fresh_number, identity
from .postgres_statements import CLAIM, INSERT, LOOK, SCHEMA, SWAP, WRITTEN
from .server_words import of_postgres
from .store import (
    FIRST,
    LOOK_BYTES,
    Bell,
    Claim,
    Look,
    Place,
    Proposal,
    RecordRefused,
    ServerClock,
    ServerError,
    StoreError,
    due,
)

try:
    import psycopg
    from psycopg import sql

    from .postgres_bell import Listening, bell_of
    from .postgres_connection import LOST, ImpatientConnection
except ImportError as missing:
    raise StoreError(
        "expected the PostgreSQL client for Python, found none; install jobquake[postgres]"
    ) from missing

FORMAT = "jobquake queue, format 1"
Params = Sequence[object] | Mapping[str, object]


class PostgresStore:
    """A :class:`~.store.Store` in the database at ``conninfo``, in the schema ``name``.

    ``conninfo`` is a URL or key=value string of libpq, and must lead to the server itself
    or to a pooler that keeps sessions (waiting needs LISTEN). ``timeout_s`` bounds each
    wait for the server, dialling excepted (2 seconds, the least that libpq knows); a call
    makes up to three attempts. Raises :class:`StoreError` for a database that does not
    fit, and Unanswered (from any method) if the server does not answer.
    """

    def __init__(self, conninfo: str, name: str = "jobquake", timeout_s: float = 1.0) -> None:
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(Record).decode
        self._conninfo = conninfo
        self.name = name
        self._timeout_s = timeout_s
        self._connection: ImpatientConnection | None = None
        self._queries: dict[str, bytes] = {}
        self.clock = ServerClock.clock(self._time)
        self._prepare_database()

    def transaction(self) -> AbstractContextManager[None]:
        return nullcontext()  # each write commits by itself: see the module

    def insert(self, record: Record) -> bool:
        return self._write(INSERT, None, record, {})

    def get(self, job_id: str) -> Record | None:
        return self._one("SELECT sequence, body FROM {schema}.jobs WHERE id = %s", job_id)

    def next_ready(self, queues: Iterable[str], now: float) -> Record | None:
        return next(iter(self.look(queues, now, 1).next), None)

    def waiting(self, queue: str) -> int:
        query = "SELECT count(*) FROM {schema}.jobs WHERE queue = %s AND state = 'ready'"
        ((held,),) = self._ask(query, (queue,))
        return int(held)

    def expired(self, now: float) -> list[Record]:
        return self._all(
            "SELECT sequence, body FROM {schema}.jobs WHERE state = 'leased' AND due <= %s"
            " ORDER BY due, sequence",
            now,
        )

    def swap(self, old: Record, new: Record, complete_key: str | None = None) -> bool:
        more = {"expected": old.version, "key": complete_key, "ended_at": new.ended_at}
        return self._write(SWAP, old, new, more)

    def key_done(self, key: str) -> bool:
        return bool(self._ask("SELECT 1 FROM {schema}.keys WHERE key = %s", (key,)))

    def next_change_at(self, queues: Iterable[str]) -> float | None:
        ((soonest,),) = self._ask(
            "SELECT least((SELECT min(due) FROM {schema}.jobs"
            " WHERE state = 'ready' AND queue = ANY(%s)),"
            " (SELECT min(due) FROM {schema}.jobs WHERE state = 'leased'))",
            (list(queues),),
        )
        return None if soonest is None else float(soonest)

    def last_change_at(self) -> float | None:
        ((latest,),) = self._ask(
            "SELECT greatest((SELECT max(due) FROM {schema}.jobs WHERE state = 'done'),"
            " (SELECT max(due) FROM {schema}.jobs WHERE state = 'dead'),"
            " (SELECT enqueued_at FROM {schema}.jobs ORDER BY sequence DESC LIMIT 1))"
        )
        return None if latest is None else float(latest)

    def dead(self, after: Place = FIRST, most: int | None = None) -> list[Record]:
        return self._all(
            "SELECT sequence, body FROM {schema}.jobs WHERE state = 'dead'"
            " AND (due, sequence) > (%s, %s) ORDER BY due, sequence LIMIT %s",
            *after,
            most,
        )

    def depths(self, now: float) -> list[Depth]:
        rows = self._ask(
            "SELECT queue, state, count(*), min(enqueued_at),"
            " count(*) FILTER (WHERE state = 'ready' AND due <= %s),"
            " coalesce(min(due) FILTER (WHERE state = 'ready' AND due <= %s), %s)"
            " FROM {schema}.jobs"
            ' GROUP BY queue, state ORDER BY queue COLLATE "C", state COLLATE "C"',
            (now, now, now),
        )
        return [
            Depth(queue, state, held, max(0.0, now - first), waiting, now - since)
            for queue, state, held, first, waiting, since in rows
        ]

    def forget(self, done_before: float) -> int:
        self._ask("DELETE FROM {schema}.keys WHERE done_at < %s RETURNING key", (done_before,))
        return len(
            self._ask(
                "DELETE FROM {schema}.jobs WHERE state = 'done' AND due < %s RETURNING sequence",
                (done_before,),
            )
        )

    def look(self, queues: Iterable[str], now: float, most: int) -> Look:
        values = {"now": now, "queues": list(queues), "most": most, "bytes": LOOK_BYTES}
        look = Look([], [])
        for place, due_at, *found in self._ask(LOOK, values):
            record = self._record(*found)
            if place:  # when it is due is what the server goes by
                look.next.append(replace(record, ready_at=due_at))
            else:
                look.expired.append(record)
        return look

    def claim(self, queues: Iterable[str], now: float, proposals: list[Proposal]) -> Claim:
        ids = [old.job.id for old, _ in proposals]
        number = fresh_number()
        writes = [identity(old, new, number) for old, new in proposals]
        channels = [self._channel(old.job.queue) for old, _ in proposals]
        values = {
            "queues": list(queues),
            "now": now,
            "ids": ids,
            "expected": [old.version for old, _ in proposals],
            "keys": [new.job.key for _, new in proposals],
            "versions": [new.version for _, new in proposals],
            "writes": writes,
            "dues": [due(new) for _, new in proposals],
            "bodies": [self._encode(new) for _, new in proposals],
            "bells": [bell_of(channel) for channel in channels],
            "channels": channels,
        }
        query, written = self._query(CLAIM), self._query(WRITTEN)
        sent = False

        def send() -> Claim:
            nonlocal sent
            if sent:  # the answer was lost: perhaps it was carried out, or just is
                held = {write for (write,) in self.connected().execute(written, (ids,))}
                if done := held.intersection(writes):
                    return Claim(writes.index(done.pop()), [])
            sent = True
            taken, duplicates = None, []
            for place, write, _ in self.connected().execute(query, values):
                if write is None:
                    duplicates.append(place - 1)
                else:
                    taken = place - 1
            return Claim(taken, duplicates)

        found: Claim = self.persist(send)[0]
        return found

    @contextmanager
    def bell(self, queues: Iterable[str]) -> Iterator[Bell]:
        """Hear of every change in ``queues`` from now on: notified by the swap itself."""
        listening = Listening(self, [self._channel(queue) for queue in queues])
        listening.listen()
        try:
            yield listening
        finally:
            try:
                self.connected().execute("UNLISTEN *")
                self.connected().execute("SELECT pg_advisory_unlock_all()")
            except (*LOST, psycopg.Error):
                self.hang_up()

    def process(self) -> str:
        """Which server process serves: its successor has begun at another time."""
        ((began,),) = self._ask("SELECT pg_postmaster_start_time()::text")
        return str(began)

    def destroy(self) -> None:
        """Remove the schema and everything in it, for tests and simulations."""
        self._ask("DROP SCHEMA IF EXISTS {schema} CASCADE", rows=False)

    def close(self) -> None:
        self.hang_up()

    # -- the connection -----------------------------------------------------------------

    def connected(self) -> ImpatientConnection:
        """The connection of this store, dialled anew if it was lost."""
        if self._connection is None or self._connection.closed:
            self._connection = ImpatientConnection.connect(
                self._conninfo, autocommit=True, connect_timeout=2, application_name="jobquake"
            )
            self._connection.patience_s = self._timeout_s
        return self._connection

    def hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def persist(self, send: Callable[[], Any]) -> tuple[Any, bool]:
        """``send()`` until it is answered: see :mod:`.doubt`."""
        try:
            return persist(send, LOST, self.hang_up, f"PostgreSQL (schema {self.name})")
        except psycopg.DataError as error:
            raise RecordRefused("PostgreSQL", of_postgres(error)) from error
        except (psycopg.Error, Unanswered) as error:
            failed = of_postgres(error.__cause__ or error)
            if isinstance(error, Unanswered) and not failed.environment:
                raise
            raise ServerError("PostgreSQL", failed) from error

    def _ask(self, query: str, values: Params = (), rows: bool = True) -> list[Any]:
        text = self._query(query)

        def send() -> list[Any]:
            cursor = self.connected().execute(text, values or None)
            return cursor.fetchall() if rows else []

        found: list[Any] = self.persist(send)[0]
        return found

    def _query(self, text: str) -> bytes:
        """The query with this store's schema in it."""
        if text not in self._queries:
            composed = sql.SQL(text).format(
                schema=sql.Identifier(self.name), format=sql.Literal(FORMAT)
            )
            self._queries[text] = composed.as_bytes(None)
        return self._queries[text]

    def _time(self) -> float:
        ((seconds,),) = self._ask("SELECT extract(epoch FROM clock_timestamp())::float8")
        return float(seconds)

    def _write(
        self, query: str, old: Record | None, record: Record, more: Mapping[str, object]
    ) -> bool:
        job, write, text = record.job, identity(old, record), self._query(query)
        values = dict(more) | {
            "id": job.id,
            "queue": job.queue,
            "state": record.state,
            "priority": job.priority,
            "due": due(record),
            "enqueued_at": record.enqueued_at,
            "version": record.version,
            "write": write,
            "body": self._encode(record),
            "channel": (channel := self._channel(job.queue)),
            "bell": bell_of(channel),
        }

        def send() -> bool:
            return self.connected().execute(text, values).fetchone() is not None

        written, doubtful = self.persist(send)
        if written:
            return True
        # What was refused once is refused for ever, so there is time to look why.
        held = self._ask("SELECT version, write FROM {schema}.jobs WHERE id = %s", (job.id,))
        return took_effect(record.version, write, Held(*held[0]) if held else NO_RECORD, doubtful)

    def _one(self, query: str, *values: object) -> Record | None:
        return next(iter(self._all(query, *values)), None)

    def _all(self, query: str, *values: object) -> list[Record]:
        return [self._record(*row) for row in self._ask(query, values)]

    def _record(self, sequence: int, body: bytes) -> Record:
        try:
            return replace(self._decode(body), sequence=sequence)
        except UNREADABLE as error:
            query = (
                "SELECT id, queue, priority, state, due, enqueued_at, version, sequence"
                " FROM {schema}.jobs WHERE sequence = %s"
            )
            (row,) = self._ask(query, (sequence,))
            return stand_in(Outline(*row), bytes(body), error)

    def _channel(self, queue: str) -> str:
        """A channel name is short: the digest of the queue's full name."""
        return "jq_" + hashlib.sha1(f"{self.name}\0{queue}".encode()).hexdigest()

    def _prepare_database(self) -> None:
        def made() -> str | None:
            query = (
                "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s"
            )
            rows = self._ask(query, (self.name,))
            return rows[0][0] or "something else" if rows else None

        found = made()
        if found is None:
            self.persist(self._make_schema)
            found = made()
        if found != FORMAT:
            raise StoreError(
                f"expected a {FORMAT} in the schema {self.name!r}, found {found}; "
                "use another schema, or the jobquake that wrote this one"
            )

    def _make_schema(self) -> None:
        connection = self.connected()
        with connection.transaction():  # one at a time: IF NOT EXISTS alone is a race
            connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (self.name,))
            connection.execute(self._query(SCHEMA))
