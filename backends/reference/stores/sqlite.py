"""The store in one SQLite file: WAL, and a commit that is on disk before it returns.

Safe to share between processes. ``synchronous=FULL`` makes every commit wait for the
disk, so that what was answered survives SIGKILL and a power cut. Columns beside the
body exist only to be searched; the body is the record.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec.structs import replace

from ....protocol.commands import Depth, State
from ..record import UNREADABLE, Outline, Record, stand_in
from .sqlite_schema import UPDATES, VERSION, statements
from .store import FIRST, Place, StoreError, due, in_order

BUSY_TIMEOUT_S = 10.0
ABOVE_ALL = 2**62  # of all priorities


class SQLiteStore:
    """A :class:`~.store.Store` in the file ``path``, made if it is missing.

    A file of an older version is brought up to date. Raises :class:`StoreError` if the file is
    something else or of a later version.
    """

    def __init__(self, path: Path | str) -> None:
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(Record).decode
        self._depth = 0
        try:
            # One thread uses it, but the one that collects a simulation's garbage closes it.
            self._db = sqlite3.connect(
                path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            version = self._version(path)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            if version != VERSION:
                self._bring_up_to_date(path)
        except sqlite3.Error as error:
            raise _not_a_queue(path, str(error)) from error

    def _version(self, path: Path | str) -> int:
        """Raises :class:`StoreError` unless the file is a queue or empty; changes nothing."""
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        tables = {name for (name,) in self._db.execute("SELECT name FROM sqlite_master")}
        if not {"jobs", "keys"} <= tables and (tables or version):
            raise _not_a_queue(path, "a database of something else")
        if tables and not 1 <= version <= VERSION:
            raise StoreError(
                f"expected a queue file of version {VERSION} or older, found version "
                f"{version} in {path}; use another file, or the jobquake that wrote this one"
            )
        return int(version)

    def _bring_up_to_date(self, path: Path | str) -> None:
        with self.transaction():
            version = self._version(path)  # somebody else may have been faster
            for statement in statements(UPDATES.get(version, "")):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version={VERSION}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Take the write lock, commit at the end; inside another one it joins that one."""
        if self._depth:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        self._depth = 1
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # SQLite itself rolls back on some errors
                self._db.execute("ROLLBACK")
            raise
        finally:
            self._depth = 0

    def insert(self, record: Record) -> bool:
        job = record.job
        with self.transaction():
            inserted = self._db.execute(
                "INSERT INTO jobs (id, queue, state, priority, due, enqueued_at, version, body)"
                " VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (id) DO NOTHING",
                (
                    job.id,
                    job.queue,
                    record.state,
                    job.priority,
                    record.ready_at,
                    record.enqueued_at,
                    record.version,
                    self._encode(record),
                ),
            ).rowcount
        return bool(inserted)

    def get(self, job_id: str) -> Record | None:
        return self._one("SELECT sequence, body FROM jobs WHERE id=?", (job_id,))

    def next_ready(self, queues: Iterable[str], now: float) -> Record | None:
        found = (self._first(queue, now) for queue in queues)
        return min(
            (record for record in found if record),
            key=in_order,
            default=None,
        )

    def _first(self, queue: str, now: float) -> Record | None:
        """The first one of the highest priority that has one that is due.

        The first of a priority is the one that is due first: if it is not, none of them is, and
        a look at each priority is enough, however many jobs are delayed.
        """
        priority = ABOVE_ALL
        while row := self._db.execute(
            "SELECT priority, due, sequence, body FROM jobs INDEXED BY jobs_ready"
            " WHERE queue=? AND state='ready' AND priority<?"
            " ORDER BY priority DESC, due, sequence LIMIT 1",
            (queue, priority),
        ).fetchone():
            priority, due_at, *found = row
            if due_at <= now:
                return self._record(*found)
        return None

    def waiting(self, queue: str) -> int:
        query = "SELECT held FROM counts WHERE queue=? AND state='ready'"
        row = self._db.execute(query, (queue,)).fetchone()
        return int(row[0]) if row else 0

    def expired(self, now: float) -> list[Record]:
        return self._all(
            "SELECT sequence, body FROM jobs INDEXED BY jobs_leased"
            " WHERE state='leased' AND due<=? ORDER BY due, sequence",
            (now,),
        )

    def swap(self, old: Record, new: Record, complete_key: str | None = None) -> bool:
        with self.transaction():
            changed = self._db.execute(
                "UPDATE jobs SET state=?, due=?, version=?, body=? WHERE id=? AND version=?",
                (new.state, due(new), new.version, self._encode(new), old.job.id, old.version),
            ).rowcount
            if changed and complete_key is not None:
                self._db.execute(
                    "INSERT OR REPLACE INTO keys VALUES (?,?)", (complete_key, new.ended_at)
                )
        return bool(changed)

    def key_done(self, key: str) -> bool:
        return bool(self._db.execute("SELECT 1 FROM keys WHERE key=?", (key,)).fetchone())

    def next_change_at(self, queues: Iterable[str]) -> float | None:
        ready = "SELECT min(due) FROM jobs INDEXED BY jobs_next WHERE queue=? AND state='ready'"
        times = [self._db.execute(ready, (queue,)).fetchone()[0] for queue in queues]
        leased = "SELECT min(due) FROM jobs INDEXED BY jobs_leased WHERE state='leased'"
        times += self._db.execute(leased).fetchone()
        return min((time for time in times if time is not None), default=None)

    def last_change_at(self) -> float | None:
        # By indexes, and no aggregate over a day's completed jobs.
        latest = [
            self._db.execute(query).fetchone()
            for query in (
                "SELECT max(due) FROM jobs INDEXED BY jobs_done WHERE state='done'",
                "SELECT max(due) FROM jobs INDEXED BY jobs_dead WHERE state='dead'",
            )
        ]
        newest = "SELECT enqueued_at FROM jobs ORDER BY sequence DESC LIMIT 1"
        latest += self._db.execute(newest).fetchall()
        return max((at for (at,) in latest if at is not None), default=None)

    def dead(self, after: Place = FIRST, most: int | None = None) -> list[Record]:
        return self._all(
            "SELECT sequence, body FROM jobs INDEXED BY jobs_dead"
            " WHERE state='dead' AND (due, sequence) > (?, ?) ORDER BY due, sequence LIMIT ?",
            (*after, -1 if most is None else most),
        )

    def depths(self, now: float) -> list[Depth]:
        # By counts and the ends of indexes; only jobs that are delayed are counted one by one.
        rows = self._db.execute(
            "SELECT queue, state, held,"
            " (SELECT min(enqueued_at) FROM jobs INDEXED BY jobs_age"
            "  WHERE queue=counts.queue AND state=counts.state),"
            " (SELECT min(due) FROM jobs INDEXED BY jobs_next"
            "  WHERE queue=counts.queue AND state='ready'),"
            " (SELECT count(*) FROM jobs INDEXED BY jobs_next"
            "  WHERE queue=counts.queue AND state='ready' AND due>?)"
            " FROM counts WHERE held>0 ORDER BY queue, state",
            (now,),
        )
        return [_depth(now, *row) for row in rows]

    def forget(self, done_before: float) -> int:
        done = "DELETE FROM jobs INDEXED BY jobs_done WHERE state='done' AND due<?"
        with self.transaction():
            self._db.execute("DELETE FROM keys WHERE done_at<?", (done_before,))
            forgotten = self._db.execute(done, (done_before,)).rowcount
            self._db.execute("DELETE FROM counts WHERE held=0")
        return forgotten

    def close(self) -> None:
        self._db.close()

    def _one(self, query: str, values: tuple[object, ...]) -> Record | None:
        row = self._db.execute(query, values).fetchone()
        return self._record(*row) if row else None

    def _all(self, query: str, values: tuple[object, ...]) -> list[Record]:
        return [self._record(*row) for row in self._db.execute(query, values)]

    def _record(self, sequence: int, body: bytes) -> Record:
        try:
            return replace(self._decode(body), sequence=sequence)
        except UNREADABLE as error:
            query = (
                "SELECT id, queue, priority, state, due, enqueued_at, version, sequence"
                " FROM jobs WHERE sequence=?"
            )
            row = self._db.execute(query, (sequence,)).fetchone()
            return stand_in(Outline(*row), bytes(body), error)


def _depth(
    now: float, queue: str, state: State, held: int, first: float, due_at: float, later: int
) -> Depth:
    oldest_s = max(0.0, now - first)
    if state != "ready" or later == held:
        return Depth(queue, state, held, oldest_s, 0)
    return Depth(queue, state, held, oldest_s, held - later, now - due_at)


def _not_a_queue(path: Path | str, found: str) -> StoreError:
    return StoreError(
        f"expected a queue file at {path}, found: {found}; "
        "name a file that is a jobquake queue, or one that does not exist yet"
    )
