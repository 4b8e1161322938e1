"""The store in a SQLite file: no queue pays for what lies in another, and old files are read."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from jobquake.backends.reference import core
from jobquake.backends.reference.queue import ReferenceQueue
from jobquake.backends.reference.stores.sqlite import SQLiteStore
from jobquake.protocol.clock import Clock
from jobquake.protocol.commands import Enqueue, Enqueued, Job, Lease, Refused

MANY = 3000
NOW = 1000.0
# How version 1 of the file was made; jobquake 0.1 wrote it.
VERSION_1 = """
CREATE TABLE jobs (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, queue TEXT NOT NULL,
    state TEXT NOT NULL, priority INTEGER NOT NULL, due REAL NOT NULL, enqueued_at REAL NOT NULL,
    version INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE INDEX jobs_ready ON jobs (queue, priority DESC, due, sequence) WHERE state = 'ready';
CREATE INDEX jobs_due ON jobs (state, due);
CREATE INDEX jobs_depth ON jobs (queue, state, enqueued_at);
CREATE TABLE keys (key TEXT PRIMARY KEY, done_at REAL NOT NULL) WITHOUT ROWID;
PRAGMA user_version=1;
"""


def steps(store: SQLiteStore, work: Callable[[], object]) -> int:
    """How many instructions SQLite carries out for it: no clock is so steady."""
    taken = 0

    def step() -> int:
        nonlocal taken
        taken += 1
        return 0

    store._db.set_progress_handler(step, 1)
    try:
        work()
    finally:
        store._db.set_progress_handler(None, 1)
    return taken


def fill(store: SQLiteStore, number: int, **changes: object) -> None:
    with store.transaction():
        for place in range(number):
            job = Job(f"{changes}-{place}", **changes)  # type: ignore[arg-type]
            store.insert(core.admit(job, NOW))


def mail_among(**others: object) -> SQLiteStore:
    """One job of ``mail`` that is ready; with ``others``, as many as make a flood."""
    store = SQLiteStore(":memory:")
    store.insert(core.admit(Job("letter", "mail"), NOW))
    if others:
        fill(store, MANY, **others)
    return store


FLOODS: dict[str, dict[str, object]] = {
    "ready in another queue": {"queue": "reports"},
    "ready in the same queue": {"queue": "mail", "priority": -1},
    "delayed in another queue": {"queue": "reports", "delay_s": 60.0},
    "delayed in the same queue": {"queue": "mail", "delay_s": 60.0},
    "delayed, and of a higher priority": {"queue": "mail", "delay_s": 60.0, "priority": 9},
}
QUESTIONS: dict[str, Callable[[SQLiteStore], object]] = {
    "next_ready": lambda store: store.next_ready(("mail",), NOW),
    "next_change_at": lambda store: store.next_change_at(("mail",)),
    "waiting": lambda store: store.waiting("mail"),
    "expired": lambda store: store.expired(NOW),
    "last_change_at": lambda store: store.last_change_at(),
    "insert": lambda store: store.insert(core.admit(Job("more", "mail"), NOW)),
    "get": lambda store: store.get("letter"),
    "dead": lambda store: store.dead(),
    "forget": lambda store: store.forget(NOW),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_no_question_takes_longer_in_a_flood(flood: str) -> None:
    quiet, flooded = mail_among(), mail_among(**FLOODS[flood])
    for name, ask in QUESTIONS.items():
        before = steps(quiet, lambda: ask(quiet))  # noqa: B023
        after = steps(flooded, lambda: ask(flooded))  # noqa: B023
        assert after <= 1.5 * before + 40, f"{name}: {before} steps, and {after} in the flood"


def test_what_is_ready_is_counted_without_looking_at_each() -> None:
    few, many = mail_among(), mail_among(queue="mail")
    before, after = (steps(store, lambda: store.depths(NOW)) for store in (few, many))  # noqa: B023
    assert after <= 1.5 * before
    assert [depth.count for depth in many.depths(NOW)] == [MANY + 1]


def test_a_bounded_queue_fills_in_linear_time() -> None:
    store = SQLiteStore(":memory:")
    queue = ReferenceQueue(store, Clock(), Random(0))

    def enqueue(number: int) -> object:
        return queue.call(Enqueue(Job(f"job-{number}", "mail", max_waiting=MANY)))

    first = steps(store, lambda: enqueue(0))
    for number in range(1, MANY - 1):
        enqueue(number)
    last = steps(store, lambda: enqueue(MANY - 1))
    assert last <= 1.5 * first + 40
    assert isinstance(enqueue(MANY), Refused)
    queue.call(Lease("w", ("mail",), 60.0))
    assert enqueue(MANY) == Enqueued(True)


def old_file(path: Path) -> list[Job]:
    """A file of version 1 with a job that is ready, one done, and a key; its ready jobs."""
    jobs = [Job("ready", "mail", key="other"), Job("done", "mail", key="k")]
    fresh = SQLiteStore(":memory:")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.executescript(VERSION_1)
        for number, job in enumerate(jobs, 1):
            state = "ready" if job.id == "ready" else "done"
            record = core.admit(job, NOW)
            values = (number, job.id, job.queue, state, 0, NOW, NOW, 0, fresh._encode(record))
            db.execute("INSERT INTO jobs VALUES (?,?,?,?,?,?,?,?,?)", values)
        db.execute("INSERT INTO keys VALUES ('k', ?)", (NOW,))
    return jobs[:1]


def test_a_file_of_the_version_before_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    (job,) = old_file(path)
    for _ in range(2):  # the second time it is a current one
        store = SQLiteStore(path)
        assert [(d.queue, d.state, d.count) for d in store.depths(NOW)] == [
            ("mail", "done", 1),
            ("mail", "ready", 1),
        ]
        record = store.next_ready(("mail",), NOW)
        assert record and record.job == job
        assert store.key_done("k")
        store.close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        fresh = SQLiteStore(":memory:")
        schema = "SELECT type, name, tbl_name FROM sqlite_master ORDER BY name"
        assert db.execute(schema).fetchall() == fresh._db.execute(schema).fetchall()


def test_a_file_is_brought_up_to_date_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    old_file(path)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("CREATE TABLE counts (other TEXT)")  # in the way of the last step
        before = db.execute("SELECT name FROM sqlite_master ORDER BY name").fetchall()
        with pytest.raises(Exception, match="expected a queue file"):
            SQLiteStore(path)
        assert db.execute("SELECT name FROM sqlite_master ORDER BY name").fetchall() == before
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
