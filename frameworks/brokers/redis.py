"""A small client of Redis (RESP2), so that looking into a broker needs no package.

One connection, one request at a time. It reads; it changes nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit

from ...errors import EnvironmentFault, UsageError

PORT = 6379
TIMEOUT_S = 5.0
PAGE = 1000


class Place(NamedTuple):
    """Where a URL of Redis leads."""

    host: str
    port: int
    database: int
    user: str
    password: str

    @property
    def url(self) -> str:
        login = (
            f"{quote(self.user, safe='')}:{quote(self.password, safe='')}@" if self.login else ""
        )
        return f"redis://{login}{self.host}:{self.port}/{self.database}"

    @property
    def login(self) -> bool:
        return bool(self.user or self.password)


def place_of(url: str) -> Place:
    """Of ``redis://user:password@host:port/database``, or the same with TLS (``rediss://``).

    Raises :class:`UsageError`.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss"):
        raise UsageError(
            f"expected a broker at redis://HOST:PORT/DATABASE, found {shown(url)!r}; jobquake puts "
            "its own Redis and its network in that place, and knows no other way yet"
        )
    number = parts.path.strip("/")
    return Place(
        parts.hostname or "localhost",
        parts.port or PORT,
        int(number) if number.isdecimal() else 0,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
    )


def shown(url: str) -> str:
    """The URL without its password."""
    head, at, tail = url.rpartition("@")
    return f"{head.partition('://')[0]}://...@{tail}" if at else url


class RedisError(EnvironmentFault):
    """Redis answered with an error, or not at all. The message says what."""


class Redis:
    """A connection to a database of the Redis at ``address`` (HOST:PORT)."""

    def __init__(self, address: str, database: int = 0, password: str = "", user: str = "") -> None:
        host, _, port = address.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), TIMEOUT_S)
        self._stream = self._socket.makefile("rb")
        try:
            if user or password:
                self.ask("AUTH", *([user] if user else []), password)
            if database:
                self.ask("SELECT", database)
        except BaseException:
            self.close()
            raise

    def ask(self, *words: object) -> Any:
        """One command and its answer: bytes, int, list or None. Raises :class:`RedisError`."""
        parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        request = b"*%d\r\n" % len(parts)
        request += b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        self._socket.sendall(request)
        return self._answer()

    def now(self) -> float:
        """The wall clock of the machine that serves: workers of a run go by the same one."""
        seconds, micros = self.ask("TIME")
        return int(seconds) + int(micros) / 1e6

    def names(self, pattern: str = "*") -> list[str]:
        """All keys that match, sorted."""
        found, cursor = set[str](), b"0"
        while True:
            cursor, page = self.ask("SCAN", cursor, "MATCH", pattern, "COUNT", PAGE)
            found |= {key.decode(errors="replace") for key in page}
            if cursor == b"0":
                return sorted(found)

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def _answer(self) -> Any:
        line = self._stream.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest
        if kind == b"-":
            raise RedisError(f"expected an answer of Redis, found: {rest.decode(errors='replace')}")
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self._stream.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return None if rest == b"-1" else [self._answer() for _ in range(int(rest))]
        raise ConnectionError("expected an answer of Redis, found that it hung up")


@contextmanager
def opened(url: str, address: str) -> Iterator[Redis]:
    """The database of an app's URL, with the URL's login, at the server that stands in its place.

    Raises :class:`UsageError` about the URL, and :class:`RedisError`.
    """
    place = place_of(url)
    with closing(Redis(address, place.database, place.password, place.user)) as redis:
        yield redis
