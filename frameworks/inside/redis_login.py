"""How a process logs in to the Redis that its connections are led to, whatever its settings say.

They name the team's own broker, with its password, its database and its TLS; what stands in its
place has others. Reaches what connects with redis-py.
"""

from __future__ import annotations

import json
from typing import Any

from .redirect import LOOPBACK


def watch(connection: Any, said: str) -> None:
    """``connection``: the module ``redis.connection``; ``said``: see :func:`.redirect.redirect`."""
    logins = {}
    for host, port, _, _, *more in json.loads(said):
        for name in LOOPBACK if host in LOOPBACK else (host,):
            if more:
                logins[name, int(port)] = more[0]
    plain = connection.Connection._connect
    encrypted = connection.SSLConnection._connect

    def login_of(self: Any) -> Any:
        return logins.get((getattr(self, "host", ""), int(getattr(self, "port", 0))))

    def connect(self: Any) -> Any:
        for name, value in (login_of(self) or {}).items():
            setattr(self, name, value)
        return plain(self)

    def connect_encrypted(self: Any) -> Any:
        return encrypted(self) if login_of(self) is None else connect(self)

    connection.Connection._connect = connect
    connection.SSLConnection._connect = connect_encrypted
