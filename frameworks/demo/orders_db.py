"""The database of ``orders.py`` for one run: ``python orders_db.py FOLDER PORT``.

It needs jobquake's own Python.
"""

from __future__ import annotations

from functools import partial

from jobquake.servers.postgres import server
from jobquake.servers.running import serve

SCHEMA = """
CREATE TABLE orders (id int PRIMARY KEY, paid boolean DEFAULT false, mailed boolean DEFAULT false);
CREATE TABLE payments (id serial PRIMARY KEY, key text UNIQUE, for_order int, amount int);
INSERT INTO orders (id) SELECT generate_series(1, 100);
"""

if __name__ == "__main__":
    serve(partial(server, schema=SCHEMA))
