"""How a process logs in to the Redis that its connections are led to, whatever its settings say.

They name the team's own broker, with its password, its database and its TLS; what stands in its
place has others. Reaches what connects with redis-py.
"""

from __future__ import annotations

from typing import Any

from .redirect import logins_of


def watch(connection: Any, said: str) -> None:
    """``connection``: ``redis.connection`` or ``redis.asyncio.connection``.

    ``said``: see :func:`.redirect.redirect`.
    """
    logins = logins_of(said)
    plain, encrypted = connection.Connection, connection.SSLConnection
    connect, connect_encrypted = plain._connect, encrypted._connect

    def with_login(self: Any) -> bool:
        login = logins.get((getattr(self, "host", ""), int(getattr(self, "port", 0))))
        for name, value in (login or {}).items():
            setattr(self, name, value)
        return login is not None

    def connect_there(self: Any) -> Any:
        with_login(self)
        return connect(self)

    def connect_without_tls(self: Any) -> Any:
        if not with_login(self):
            return connect_encrypted(self)
        if hasattr(plain, "_connection_arguments"):  # where TLS is one of them
            self._connection_arguments = lambda: plain._connection_arguments(self)
        return connect(self)

    plain._connect, encrypted._connect = connect_there, connect_without_tls
