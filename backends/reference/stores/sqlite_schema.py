"""The tables of the store in a SQLite file, and what makes an older file a current one.

A job is in one index by when it is due, and each query of :mod:`.sqlite` names its index: left to
itself, SQLite walks through the jobs of all queues. The counts are kept by triggers, so that they
always fit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

VERSION = 2
TABLES = """
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
CREATE TABLE IF NOT EXISTS keys (key TEXT PRIMARY KEY, done_at REAL NOT NULL) WITHOUT ROWID;
"""
INDEXES = """
CREATE INDEX jobs_ready ON jobs (queue, priority DESC, due, sequence) WHERE state = 'ready';
CREATE INDEX jobs_next ON jobs (queue, due) WHERE state = 'ready';
CREATE INDEX jobs_leased ON jobs (due, sequence) WHERE state = 'leased';
CREATE INDEX jobs_done ON jobs (due) WHERE state = 'done';
CREATE INDEX jobs_dead ON jobs (due, sequence) WHERE state = 'dead';
CREATE INDEX jobs_age ON jobs (queue, state, enqueued_at);
CREATE INDEX keys_done ON keys (done_at);
CREATE TABLE counts (
    queue TEXT, state TEXT, held INTEGER NOT NULL, PRIMARY KEY (queue, state)
) WITHOUT ROWID;
INSERT INTO counts SELECT queue, state, count(*) FROM jobs GROUP BY queue, state;
CREATE TRIGGER jobs_came AFTER INSERT ON jobs BEGIN
    INSERT INTO counts VALUES (new.queue, new.state, 1) ON CONFLICT DO UPDATE SET held = held + 1;
END;
CREATE TRIGGER jobs_moved AFTER UPDATE OF state ON jobs WHEN new.state <> old.state BEGIN
    UPDATE counts SET held = held - 1 WHERE queue = old.queue AND state = old.state;
    INSERT INTO counts VALUES (new.queue, new.state, 1) ON CONFLICT DO UPDATE SET held = held + 1;
END;
CREATE TRIGGER jobs_went AFTER DELETE ON jobs BEGIN
    UPDATE counts SET held = held - 1 WHERE queue = old.queue AND state = old.state;
END;
"""
# What makes a file of that version (0: a new one) one of this version; all of it or nothing.
UPDATES = {
    0: f"{TABLES}{INDEXES}",
    1: f"DROP INDEX jobs_ready;\nDROP INDEX jobs_due;\nDROP INDEX jobs_depth;\n{INDEXES}",
}


def statements(script: str) -> Iterator[str]:
    """One at a time: what carries out a whole script at once commits first."""
    statement = ""
    for line in script.splitlines():
        statement += f"{line}\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
