"""Where the connections of psycopg lead, and how they are led elsewhere: libpq opens them in C.

So what it is told is changed, and not the socket: host, port and login, whatever the team's
settings or environment say of them.
"""

from __future__ import annotations

import json
import os
from typing import Any

from .redirect import LOOPBACK

HOST, PORT = "localhost", 5432
# Without these, the bytes would be encrypted, and nobody could tell one call from another.
PLAIN = {"password": None, "sslmode": "disable", "gssencmode": "disable", "channel_binding": None}


def url_of(conninfo: str, named: Any) -> str:
    """``postgresql://user@host:port/database``: what libpq would connect to, told that."""
    from urllib.parse import quote

    from psycopg.conninfo import conninfo_to_dict

    given = {key: named[key] for key in ("host", "port", "dbname", "user") if key in named}
    said = conninfo_to_dict(conninfo, **given)
    host, port = _place(said)
    user = said.get("user") or os.environ.get("PGUSER", "")
    database = said.get("dbname") or os.environ.get("PGDATABASE", "")
    who = f"{quote(str(user), safe='')}@" if user else ""
    return f"postgresql://{who}{host}:{port}/{database}"


def watch(generators: Any, said: str) -> None:
    """``generators``: ``psycopg.generators``; ``said``: see :func:`.redirect.redirect`."""
    ways = {}
    for host, port, *there in json.loads(said):
        for name in LOOPBACK if host in LOOPBACK else (host,):
            ways[name, int(port)] = there
    connect = generators.connect

    def connect_there(conninfo: str, *rest: Any, **named: Any) -> Any:
        return connect(_led(ways, conninfo), *rest, **named)

    generators.connect = connect_there


def _led(ways: Any, conninfo: str) -> str:
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    told = conninfo_to_dict(conninfo)
    way = ways.get(_place(told))
    if way is None:
        return conninfo
    host, port, *login = way
    changed = {**told, "host": host, "port": port, **(login[0] if login else {})}
    changed.pop("hostaddr", None)
    return make_conninfo("", **{key: value for key, value in changed.items() if value is not None})


def _place(told: Any) -> tuple[str, int]:
    """Host and port; a folder with a socket counts as this machine, as no host does."""
    host = str(told.get("host") or os.environ.get("PGHOST") or HOST).split(",")[0]
    port = str(told.get("port") or os.environ.get("PGPORT") or PORT).split(",")[0]
    return (HOST if host.startswith("/") else host), int(port)
