"""The store in PostgreSQL: one table in a schema of its own, one statement per write.

Every write is a single statement that commits by itself, so no lock outlives a statement
and a worker that stalls or dies between two of them holds nobody up. A claim is a
compare-and-set on the version like every other write: whoever loses it looks again.

An answer means that the disk has it, if the server runs with ``fsync=on``,
``full_page_writes=on`` and ``synchronous_commit=on`` (its defaults). Asynchronous commit
loses the last acknowledged moments in a crash of the server; without fsync a power cut
can lose the whole database. A failover keeps acknowledged work only if the standby is
synchronous. Give several hosts and ``target_session_attrs=read-write`` in the address
and a new connection finds the primary by itself.
"""

from __future__ import annotations

import hashlib
import select
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import msgspec
from msgspec.structs import replace

from ....protocol.commands import Depth, Unanswered
from ..record import Record
from .ambiguous_writes import NO_RECORD, Held, persist, took_effect
from .identity import identity
from .server_words import of_postgres
from .store import Bell, RecordRefused, ServerError, StoreError, due

try:
    import psycopg
    from psycopg import sql
except ImportError as missing:
    raise StoreError(
        "expected the PostgreSQL client for Python, found none; install jobquake[postgres]"
    ) from missing

FORMAT = "jobquake queue, format 1"
LOOK_EVERY_S = 0.02
# OperationalError and InterfaceError: the connection; TimeoutError: our own patience.
# After a failover the old primary answers that it is read-only: dial again, like a loss.
LOST = (
    psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.ReadOnlySqlTransaction,
    TimeoutError, OSError,
)  # fmt: skip

SCHEMA = """
CREATE SCHEMA IF NOT EXISTS {schema};
COMMENT ON SCHEMA {schema} IS {format};
CREATE TABLE IF NOT EXISTS {schema}.jobs (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL UNIQUE,
    queue text NOT NULL,
    state text NOT NULL,
    priority bigint NOT NULL,
    due double precision NOT NULL,
    enqueued_at double precision NOT NULL,
    version bigint NOT NULL,
    write text NOT NULL,
    body bytea NOT NULL
);
CREATE INDEX IF NOT EXISTS jobs_ready ON {schema}.jobs (queue, priority DESC, due, sequence)
    WHERE state = 'ready';
CREATE INDEX IF NOT EXISTS jobs_due ON {schema}.jobs (state, due);
CREATE TABLE IF NOT EXISTS {schema}.keys (
    key text PRIMARY KEY, done_at double precision NOT NULL
);
"""
INSERT = """
WITH changed AS (
    INSERT INTO {schema}.jobs
        (id, queue, state, priority, due, enqueued_at, version, write, body)
    VALUES (%(id)s, %(queue)s, %(state)s, %(priority)s, %(due)s, %(enqueued_at)s, %(version)s,
            %(write)s, %(body)s)
    ON CONFLICT (id) DO NOTHING RETURNING due
)
SELECT pg_notify(%(channel)s, due::text) FROM changed
"""
SWAP = """
WITH changed AS (
    UPDATE {schema}.jobs
    SET state = %(state)s, due = %(due)s, version = %(version)s, write = %(write)s,
        body = %(body)s
    WHERE id = %(id)s AND version = %(expected)s RETURNING due
), completed AS (
    INSERT INTO {schema}.keys SELECT %(key)s::text, %(ended_at)s FROM changed
    WHERE %(key)s::text IS NOT NULL
    ON CONFLICT (key) DO UPDATE SET done_at = excluded.done_at
)
SELECT CASE WHEN %(state)s IN ('ready', 'leased') THEN pg_notify(%(channel)s, due::text) END
FROM changed
"""


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
        self._connection: _ImpatientConnection | None = None
        self._queries: dict[str, bytes] = {}
        self._prepare_database()

    def transaction(self) -> AbstractContextManager[None]:
        return nullcontext()  # each write commits by itself: see the module

    def insert(self, record: Record) -> bool:
        return self._write(INSERT, None, record, {})

    def get(self, job_id: str) -> Record | None:
        return self._one("SELECT sequence, body FROM {schema}.jobs WHERE id = %s", job_id)

    def next_ready(self, queues: Iterable[str], now: float) -> Record | None:
        candidates = [
            record
            for queue in queues
            if (
                record := self._one(
                    "SELECT sequence, body FROM {schema}.jobs"
                    " WHERE queue = %s AND state = 'ready' AND due <= %s"
                    " ORDER BY priority DESC, due, sequence LIMIT 1",
                    queue,
                    now,
                )
            )
        ]
        return min(
            candidates, key=lambda r: (-r.job.priority, r.ready_at, r.sequence), default=None
        )

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

    def dead(self) -> list[Record]:
        return self._all(
            "SELECT sequence, body FROM {schema}.jobs WHERE state = 'dead' ORDER BY due, sequence"
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

    def wall(self) -> float:
        """The server's wall clock, which all who share it can agree on."""
        ((seconds,),) = self._ask("SELECT extract(epoch FROM clock_timestamp())::float8")
        return float(seconds)

    @contextmanager
    def bell(self, queues: Iterable[str]) -> Iterator[Bell]:
        """Hear of every change in ``queues`` from now on: notified by the swap itself."""
        listening = _Listening(self, [self._channel(queue) for queue in queues])
        listening.listen()
        try:
            yield listening
        finally:
            try:
                self.connected().execute("UNLISTEN *")
            except (*LOST, psycopg.Error):
                self.hang_up()

    def destroy(self) -> None:
        """Remove the schema and everything in it, for tests and simulations."""
        self._ask("DROP SCHEMA IF EXISTS {schema} CASCADE", rows=False)

    def close(self) -> None:
        self.hang_up()

    # -- the connection -----------------------------------------------------------------

    def connected(self) -> _ImpatientConnection:
        """The connection of this store, dialled anew if it was lost."""
        if self._connection is None or self._connection.closed:
            self._connection = _ImpatientConnection.connect(
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

    def _ask(self, query: str, values: Sequence[object] = (), rows: bool = True) -> list[Any]:
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
            "channel": self._channel(job.queue),
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
        return [
            replace(self._decode(body), sequence=sequence)
            for sequence, body in self._ask(query, values)
        ]

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
        with (connection := self.connected()).transaction():
            # One at a time: IF NOT EXISTS alone is a race.
            connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (self.name,))
            connection.execute(self._query(SCHEMA))


class _Listening:
    """The bell of a :class:`PostgresStore`: each payload is the time of what may happen."""

    def __init__(self, store: PostgresStore, channels: list[str]) -> None:
        self._store = store
        self._channels = channels
        self._heard_on: _ImpatientConnection | None = None

    def listen(self) -> None:
        def send() -> None:
            connection = self._store.connected()
            for channel in self._channels:
                connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            self._heard_on = connection

        self._store.persist(send)

    def wait(self, timeout_s: float) -> float | None:
        try:
            connection = self._store.connected()
            if connection is not self._heard_on:
                self.listen()
                return 0.0  # the line was down: anything may have happened
            heard = list(connection.notifies(timeout=0))
            if not heard and select.select([connection], [], [], max(0.0, timeout_s))[0]:
                heard = list(connection.notifies(timeout=0))
        except LOST as error:
            self._store.hang_up()
            raise Unanswered(
                f"expected word of a change, found a lost connection: {error}"
            ) from error
        return min((float(said.payload) for said in heard), default=None)


class _ImpatientConnection(psycopg.Connection[Any]):
    """A connection on which no wait for the server lasts longer than ``patience_s``."""

    patience_s = 1.0

    def wait(self, gen: Generator[Any, Any, Any], *args: Any, **options: Any) -> Any:
        until = time.monotonic() + self.patience_s

        def bounded() -> Generator[Any, Any, Any]:
            try:
                wanted = next(gen)
                while True:
                    ready = yield wanted
                    if not ready and time.monotonic() >= until:
                        raise TimeoutError(f"no answer within {self.patience_s:g} s")
                    wanted = gen.send(ready)
            except StopIteration as end:
                return end.value

        return super().wait(bounded(), *args, **{"interval": LOOK_EVERY_S, **options})
