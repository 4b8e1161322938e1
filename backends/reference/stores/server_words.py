"""An error of a store's server, in its own words, and whether the environment is to blame for it.

Memory, disk, connections, rights and what stands between us and the server are the environment's;
any other error is the queue's. A server that is about to be back, as while it starts, is like one
that does not answer.
"""

from __future__ import annotations

import sqlite3

from ....protocol.commands import Failed

REDIS = (
    "OOM", "MISCONF", "NOAUTH", "WRONGPASS", "NOPERM", "READONLY", "MASTERDOWN", "CLUSTERDOWN",
    "NOREPLICAS", "max number of clients reached",
)  # fmt: skip
# Classes and codes of SQLSTATE: resources, system, passwords, rights, a database that is not there,
# a standby, and a pooler that takes prepared statements away or refuses the connection.
POSTGRES = ("53", "58", "28", "42501", "3D000", "25006", "26000", "42P05", "08P01")
BACK_SOON = (  # PostgreSQL, while it ends or begins
    "starting up", "shutting down", "recovery", "accepting connections", "administrator command",
)  # fmt: skip
FATAL = "FATAL:"
SQLITE = ("FULL", "IOERR", "READONLY", "CANTOPEN", "NOMEM", "PERM", "AUTH")
SQLITE_BUSY = ("BUSY", "LOCKED")


def of_redis(error: BaseException | None) -> Failed:
    """What Redis said. The client keeps the code of an error beside its text."""
    words, code = _first_line(error), getattr(error, "status_code", None)
    if code and not words.startswith(code):
        words = f"{code} {words}"
    return Failed(words, words.removeprefix("ERR ").startswith(REDIS))


def of_postgres(error: BaseException | None) -> Failed:
    """What PostgreSQL, or a pooler before it, said."""
    words, state = _first_line(error), getattr(error, "sqlstate", None) or ""
    if any(word in words for word in BACK_SOON):
        return Failed(words)
    if FATAL in words:  # of an attempt to connect the client keeps the text only
        return Failed(words[words.index(FATAL) :], environment=True)
    return Failed(words, environment=state.startswith(POSTGRES))


def of_sqlite(error: sqlite3.Error) -> Failed | None:
    """What SQLite said; None if others kept the file locked for too long."""
    name = getattr(error, "sqlite_errorname", "").removeprefix("SQLITE_")
    if name.startswith(SQLITE_BUSY):
        return None
    return Failed(str(error), name.startswith(SQLITE))


def _first_line(error: BaseException | None) -> str:
    return next(iter(str(error).strip().splitlines()), "")
