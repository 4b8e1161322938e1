"""Whose fault an error of a store's server is, by what it says; servers that say so for real are in
``tests/servers/test_server_words.py``."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import psycopg
import pytest
from jobquake.backends.reference.stores.server_words import of_postgres, of_redis, of_sqlite
from jobquake.protocol.commands import Failed
from redis.exceptions import ResponseError


@pytest.mark.parametrize(
    "words",
    [
        "FATAL:  the database system is starting up",
        "FATAL:  the database system is not yet accepting connections",
        "FATAL:  the database system is in recovery mode",
        "FATAL:  terminating connection due to administrator command",
        "connection refused",
    ],
)
def test_a_postgres_that_is_about_to_be_back_is_no_broken_environment(words: str) -> None:
    assert not of_postgres(psycopg.OperationalError(f"connection failed: {words}")).environment


@pytest.mark.parametrize(
    "words",
    [
        "FATAL:  sorry, too many clients already",
        'FATAL:  password authentication failed for user "x"',
        "FATAL:  no more connections allowed (max_client_conn)",
    ],
)
def test_a_postgres_that_lets_nobody_in_is_one(words: str) -> None:
    assert of_postgres(psycopg.OperationalError(f"connection failed: {words}")) == Failed(
        words, True
    )


@pytest.mark.parametrize("code", ["53100", "53200", "25006", "26000", "42P05", "28P01"])
def test_the_code_of_an_error_of_postgres_says_whose_it_is(code: str) -> None:
    assert of_postgres(psycopg.errors.lookup(code)("words")) == Failed("words", True)
    assert of_postgres(psycopg.errors.lookup("42703")("words")) == Failed("words", False)


def test_the_first_word_of_an_error_of_redis_says_whose_it_is() -> None:
    for words in ("OOM command not allowed", "MISCONF Redis is", "READONLY You can't", "NOAUTH x"):
        assert of_redis(ResponseError(words)) == Failed(words, True)
    assert of_redis(ResponseError("max number of clients reached")).environment
    assert not of_redis(ResponseError("WRONGTYPE Operation against a key")).environment


def test_a_locked_file_is_no_answer_and_a_missing_table_no_broken_environment(
    tmp_path: Path,
) -> None:
    holder, other = (
        sqlite3.connect(tmp_path / "file", timeout=0, isolation_level=None) for _ in range(2)
    )
    with pytest.raises(sqlite3.OperationalError) as caught:
        holder.execute("SELECT * FROM no_such_table")
    assert of_sqlite(caught.value) == Failed("no such table: no_such_table")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError) as caught:
        other.execute("CREATE TABLE t (x)")
    assert of_sqlite(caught.value) is None
    holder.close()
    other.close()
