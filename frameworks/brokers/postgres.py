"""A small client of PostgreSQL, so that looking into a broker needs no package.

One connection, one question at a time, whose values are text. It reads; it changes nothing. The
server is a private one, which trusts whoever comes over loopback.
"""

from __future__ import annotations

import socket

from ...errors import EnvironmentFault
from ...servers.postgres import DATABASE, USER

TIMEOUT_S = 5.0
VERSION = 3 << 16
FATAL = ("FATAL", "PANIC")


class PostgresError(EnvironmentFault):
    """PostgreSQL answered with an error, or not at all. The message says what."""


class Postgres:
    """A connection to the server of a run at ``address`` (HOST:PORT)."""

    def __init__(self, address: str, user: str = USER, database: str = DATABASE) -> None:
        host, _, port = address.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), TIMEOUT_S)
        self._stream = self._socket.makefile("rb")
        words = ("user", user, "database", database, "")
        body = VERSION.to_bytes(4, "big") + b"".join(word.encode() + b"\0" for word in words)
        try:
            self._socket.sendall((len(body) + 4).to_bytes(4, "big") + body)
            self._rows()
        except BaseException:
            self.close()
            raise

    def ask(self, query: str) -> list[list[str | None]]:
        """The rows of an answer. Raises :class:`PostgresError`, OSError."""
        body = query.encode() + b"\0"
        self._socket.sendall(b"Q" + (len(body) + 4).to_bytes(4, "big") + body)
        return self._rows()

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def _rows(self) -> list[list[str | None]]:
        """Up to the moment when the server is ready for the next question."""
        rows, error = list[list[str | None]](), ""
        while True:
            head = self._stream.read(5)
            if len(head) < 5:
                raise ConnectionError("expected an answer of PostgreSQL, found that it hung up")
            body = self._stream.read(int.from_bytes(head[1:], "big") - 4)
            if head[:1] == b"D":
                rows.append(values_of(body))
            elif head[:1] == b"E":
                said = {part[:1]: part[1:].decode(errors="replace") for part in body.split(b"\0")}
                error = said.get(b"M", "an error without words")
                if said.get(b"V") in FATAL:
                    break
            elif head[:1] == b"Z":
                break
        if error:
            raise PostgresError(f"expected an answer of PostgreSQL, found: {error}")
        return rows


def values_of(body: bytes) -> list[str | None]:
    """The values of a row, as it stands on the wire; None: NULL."""
    found, at = list[str | None](), 2
    for _ in range(int.from_bytes(body[:2], "big")):
        size = int.from_bytes(body[at : at + 4], "big", signed=True)
        at += 4
        found.append(None if size < 0 else body[at : at + size].decode(errors="replace"))
        at += max(0, size)
    return found
