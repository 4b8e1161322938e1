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

from ....protocol.commands import Depth
from ..record import Record
from .store import StoreError, due

SCHEMA_VERSION = 1
BUSY_TIMEOUT_S = 10.0
SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS jobs (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    queue TEXT NOT NULL,
    state TEXT NOT NULL,
    priority INTEGER NOT NULL,
    due REAL NOT NULL,
    enqueued_at REAL NOT NULL,
    version INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS jobs_ready ON jobs (queue, priority DESC, due, sequence)
    WHERE state = 'ready';
CREATE INDEX IF NOT EXISTS jobs_due ON jobs (state, due);
CREATE INDEX IF NOT EXISTS jobs_depth ON jobs (queue, state, enqueued_at);
CREATE TABLE IF NOT EXISTS keys (key TEXT PRIMARY KEY, done_at REAL NOT NULL) WITHOUT ROWID;
PRAGMA user_version={SCHEMA_VERSION};
COMMIT;
"""


class SQLiteStore:
    """A :class:`~.store.Store` in the file ``path``, made if it is missing.

    Raises :class:`StoreError` if the file is something else or of another version.
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
            empty = self._is_empty(path)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            if empty:
                self._db.executescript(SCHEMA)
        except sqlite3.Error as error:
            raise _not_a_queue(path, str(error)) from error

    def _is_empty(self, path: Path | str) -> bool:
        """Raises :class:`StoreError` unless the file is a queue or empty; changes nothing."""
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        tables = {name for (name,) in self._db.execute("SELECT name FROM sqlite_master")}
        if not {"jobs", "keys"} <= tables and (tables or version):
            raise _not_a_queue(path, "a database of something else")
        if tables and version != SCHEMA_VERSION:
            raise StoreError(
                f"expected a queue file of version {SCHEMA_VERSION}, found version {version} "
                f"in {path}; use another file, or the jobquake that wrote this one"
            )
        return not tables

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
        with self.transaction():
            if self.get(record.job.id) is not None:
                return False
            job = record.job
            cursor = self._db.execute(
                "INSERT INTO jobs (id, queue, state, priority, due, enqueued_at, version, body)"
                " VALUES (?,?,?,?,?,?,?,?)",
                (
                    job.id,
                    job.queue,
                    record.state,
                    job.priority,
                    record.ready_at,
                    record.enqueued_at,
                    record.version,
                    b"",
                ),
            )
            fields = msgspec.structs.asdict(record) | {"sequence": cursor.lastrowid}
            self._db.execute(
                "UPDATE jobs SET body=? WHERE sequence=?",
                (self._encode(Record(**fields)), cursor.lastrowid),
            )
            return True

    def get(self, job_id: str) -> Record | None:
        return self._one("SELECT body FROM jobs WHERE id=?", (job_id,))

    def next_ready(self, queues: Iterable[str], now: float) -> Record | None:
        candidates = [
            record
            for queue in queues
            if (
                record := self._one(
                    "SELECT body FROM jobs WHERE queue=? AND state='ready' AND due<=?"
                    " ORDER BY priority DESC, due, sequence LIMIT 1",
                    (queue, now),
                )
            )
        ]
        return min(
            candidates,
            key=lambda r: (-r.job.priority, r.ready_at, r.sequence),
            default=None,
        )

    def waiting(self, queue: str) -> int:
        query = "SELECT count(*) FROM jobs WHERE queue=? AND state='ready'"
        return int(self._db.execute(query, (queue,)).fetchone()[0])

    def expired(self, now: float) -> list[Record]:
        return self._all(
            "SELECT body FROM jobs WHERE state='leased' AND due<=? ORDER BY due, sequence", (now,)
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
        times = [
            self._db.execute(
                "SELECT min(due) FROM jobs WHERE queue=? AND state='ready'", (queue,)
            ).fetchone()[0]
            for queue in queues
        ]
        times += self._db.execute("SELECT min(due) FROM jobs WHERE state='leased'").fetchone()
        return min((time for time in times if time is not None), default=None)

    def last_change_at(self) -> float | None:
        # By indexes, and no aggregate over a day's completed jobs.
        latest = [
            self._db.execute("SELECT max(due) FROM jobs WHERE state=?", (state,)).fetchone()
            for state in ("done", "dead")
        ]
        newest = "SELECT enqueued_at FROM jobs ORDER BY sequence DESC LIMIT 1"
        latest += self._db.execute(newest).fetchall()
        return max((at for (at,) in latest if at is not None), default=None)

    def dead(self) -> list[Record]:
        return self._all("SELECT body FROM jobs WHERE state='dead' ORDER BY due, sequence", ())

    def depths(self, now: float) -> list[Depth]:
        # Each part reads one index and no job: a day's completed jobs must not hold up the queue.
        rows = self._db.execute(
            "SELECT queue, state, held, first, coalesce(waiting, 0), coalesce(since, ?1) FROM"
            " (SELECT queue, state, count(*) AS held, min(enqueued_at) AS first"
            "  FROM jobs GROUP BY queue, state)"
            " LEFT JOIN (SELECT queue, 'ready' AS state, count(*) AS waiting, min(due) AS since"
            "  FROM jobs WHERE state='ready' AND due<=?1 GROUP BY queue) USING (queue, state)"
            " ORDER BY queue, state",
            (now,),
        )
        return [
            Depth(queue, state, held, max(0.0, now - first), waiting, now - since)
            for queue, state, held, first, waiting, since in rows
        ]

    def forget(self, done_before: float) -> int:
        with self.transaction():
            self._db.execute("DELETE FROM keys WHERE done_at<?", (done_before,))
            return self._db.execute(
                "DELETE FROM jobs WHERE state='done' AND due<?", (done_before,)
            ).rowcount

    def close(self) -> None:
        self._db.close()

    def _one(self, query: str, values: tuple[object, ...]) -> Record | None:
        row = self._db.execute(query, values).fetchone()
        return self._decode(row[0]) if row else None

    def _all(self, query: str, values: tuple[object, ...]) -> list[Record]:
        return [self._decode(row[0]) for row in self._db.execute(query, values)]


def _not_a_queue(path: Path | str, found: str) -> StoreError:
    return StoreError(
        f"expected a queue file at {path}, found: {found}; "
        "name a file that is a jobquake queue, or one that does not exist yet"
    )
