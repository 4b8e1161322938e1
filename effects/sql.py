"""Identifiers from a query on PostgreSQL or SQLite. It only reads."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from ..errors import EnvironmentFault, UsageError
from ..servers.source import shown
from .app import NoAnswer

SCHEMES = ("postgresql", "postgres", "sqlite")
PATIENCE_S = 30
COUNT_COLUMNS = ("count", "count(*)")  # as PostgreSQL and SQLite call an unnamed count(*)
Rows = tuple[Sequence[str], Sequence[Sequence[Any]]]


def counts(url: str, query: str, folder: Path) -> Counter[str]:
    """How often each identifier is in the query's first column, or in a second one ``count``.

    ``sqlite:///FILE`` is relative to ``folder``, ``sqlite:////FILE`` is not. Raises UsageError
    about a file that is not there, NoAnswer if the database refuses.
    """
    scheme = url.partition(":")[0].partition("+")[0]
    columns, rows = _sqlite(url, query, folder) if scheme == "sqlite" else _postgres(url, query)
    if not columns:
        raise NoAnswer(f"expected a query that gives rows, found {query!r}; write a SELECT")
    told = len(columns) > 1 and columns[1].lower() in COUNT_COLUMNS
    found: Counter[str] = Counter()
    for row in rows:
        if row[0] is None:
            raise NoAnswer(
                f"expected an identifier in each row of {query!r}, found NULL in its first "
                f"column; leave such rows out with WHERE {columns[0]} IS NOT NULL"
            )
        found[str(row[0])] += int(row[1]) if told else 1
    return found


def _sqlite(url: str, query: str, folder: Path) -> Rows:
    path = unquote(urlsplit(url).path).removeprefix("/")
    file = folder / path
    if not path or not file.is_file():
        raise UsageError(f"expected an SQLite database at {file}, found none; correct its URL")
    try:
        address = f"file:{quote(str(file.resolve()))}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=PATIENCE_S)) as connection:
            cursor = connection.execute(query)
            return [column[0] for column in cursor.description or ()], cursor.fetchall()
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise NoAnswer(_refused(url, str(error))) from None


def _postgres(url: str, query: str) -> Rows:
    try:
        import psycopg
    except ImportError:
        raise EnvironmentFault(
            "expected psycopg, to count effects in PostgreSQL, found none; "
            "install it with: python -m pip install 'jobquake[postgres]'"
        ) from None
    scheme, _, rest = url.partition("://")
    address = f"{scheme.partition('+')[0]}://{rest}"
    try:
        with psycopg.connect(address, connect_timeout=PATIENCE_S) as connection:
            connection.read_only = True
            connection.execute(f"SET LOCAL statement_timeout = '{PATIENCE_S}s'")
            cursor = connection.execute(query.encode())
            described = cursor.description or ()
            return [column.name for column in described], cursor.fetchall() if described else []
    except psycopg.Error as error:
        raise NoAnswer(_refused(url, " ".join(str(error).split()))) from None


def _refused(url: str, found: str) -> str:
    return f"expected {shown(url)} to answer the query, found: {found}; correct URL or query"
