"""Sends the connections that a process would open to its broker somewhere else.

The team's settings stay as they are: they name their own broker, and what connects to it meets a
proxy of jobquake's. Programs in C that connect on their own are not reached.
"""

from __future__ import annotations

import json
from typing import Any

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def redirect(socket: Any, said: str) -> None:
    """``said``: JSON, a list of [host, port, other host, other port], and perhaps a login there."""
    ways = {at: (host, int(port)) for at, host, port, *_ in _said(said)}
    look_up, connect, connect_ex = (
        socket.getaddrinfo,
        socket.socket.connect,
        socket.socket.connect_ex,
    )

    def getaddrinfo(host: Any, port: Any, *rest: Any, **named: Any) -> Any:
        host, port = _way(ways, host, port)
        return look_up(host, port, *rest, **named)

    def connect_there(self: Any, address: Any) -> Any:
        return connect(self, _address(ways, self, address))

    def connect_ex_there(self: Any, address: Any) -> Any:
        return connect_ex(self, _address(ways, self, address))

    socket.getaddrinfo = getaddrinfo
    socket.socket.connect = connect_there
    socket.socket.connect_ex = connect_ex_there


def logins_of(said: str) -> dict[tuple[str, int], Any]:
    """How to log in there, by the host and port that the team's settings name."""
    return {at: login[0] for at, _, _, *login in _said(said) if login}


def _said(said: str) -> Any:
    """Each way: the host and port, by each name of that host, and what stands in their place."""
    for host, port, *there in json.loads(said):
        for name in LOOPBACK if host in LOOPBACK else (host,):
            yield ((name, int(port)), *there)


def _way(ways: dict[tuple[str, int], tuple[str, int]], host: Any, port: Any) -> tuple[Any, Any]:
    name = host.decode() if isinstance(host, bytes) else host
    try:
        return ways.get((name, int(port)), (host, port))
    except (TypeError, ValueError):
        return host, port


def _address(ways: dict[tuple[str, int], tuple[str, int]], sock: Any, address: Any) -> Any:
    """Where to connect to instead; what names no host and port stays as it is."""
    if not isinstance(address, tuple) or len(address) < 2:
        return address
    host, port = _way(ways, address[0], address[1])
    if (host, port) == tuple(address[:2]):
        return address
    if sock.family.name == "AF_INET6":
        return f"::ffff:{host}", port, 0, 0
    return host, port
