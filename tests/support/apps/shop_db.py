"""A PostgreSQL for one run, in the run's folder, with its tables: ``python shop_db.py PORT``.

It needs jobquake's own Python.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import psycopg
from jobquake.servers import running
from jobquake.servers.postgres import DATABASE, USER

SCHEMA = """
CREATE TABLE payments (id serial PRIMARY KEY, work text UNIQUE, amount int);
CREATE TABLE orders (id int PRIMARY KEY, paid boolean);
INSERT INTO orders VALUES (1, false);
"""

with running.started("postgres", Path("db"), int(sys.argv[1])) as address:
    with psycopg.connect(f"postgresql://{USER}@{address}/{DATABASE}") as connection:
        connection.execute(SCHEMA)
    signal.pause()
