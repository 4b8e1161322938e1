"""A PostgreSQL that begins with tables of somebody's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg
from jobquake.servers import postgres
from support.servers_here import or_skip


def with_schema(place: Path, schema: str) -> list[str]:
    """The command of a PostgreSQL that begins so."""
    said = f"""
from functools import partial
from jobquake.servers import postgres, running
running.serve(partial(postgres.server, schema={schema!r}))
"""
    return [sys.executable, "-c", said, str(place), "0"]


def test_a_postgresql_begins_with_its_schema_or_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    or_skip(postgres.program)
    schema = "CREATE TABLE orders (id int);\nINSERT INTO orders VALUES (7);\n"
    for place in ("first", "second"):
        command = with_schema(tmp_path / place, schema)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                where = process.stdout.readline().split()[1]
                url = f"postgresql://{postgres.USER}@{where}/{postgres.DATABASE}"
                with psycopg.connect(url) as asking:
                    assert asking.execute("DELETE FROM orders RETURNING id").fetchall() == [(7,)]
            finally:
                process.terminate()
    command = with_schema(tmp_path / "wrong", "CREATE TABLE orders (id int\n")
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 3
    assert "expected PostgreSQL to take a schema, found" in done.stderr
