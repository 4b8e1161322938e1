"""A connection that speaks beanstalkd's text protocol. It knows no job of ours.

A request is a line, ``put`` is followed by a body. A reply is a line, and behind ``RESERVED``,
``FOUND`` and ``OK`` come as many bytes as its last word says. Replies come in order.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from typing import NamedTuple

END = b"\r\n"
WITH_BODY = (b"RESERVED", b"FOUND", b"OK")
LONGEST_LINE = 224  # of a reply; the longest command of the protocol


class Answer(NamedTuple):
    """What the server said: the first word of its line, the others, and the body if one follows."""

    word: str
    rest: tuple[str, ...] = ()
    body: bytes = b""

    @property
    def fields(self) -> dict[str, str]:
        """The body of a list of ``name: value``, as all statistics are."""
        pairs = (line.partition(":") for line in self.body.decode().splitlines())
        return {name: value.strip() for name, colon, value in pairs if colon}

    @property
    def names(self) -> list[str]:
        """The body of a list of names."""
        lines = self.body.decode().splitlines()
        return [line.removeprefix("- ") for line in lines if line.startswith("- ")]


class Client:
    """One connection to the server at HOST:PORT. Raises OSError wherever it does not answer.

    Each conversation has a deadline, which :meth:`within` sets.
    """

    def __init__(self, address: str, timeout_s: float) -> None:
        host, _, port = address.rpartition(":")
        self._until = time.monotonic() + timeout_s
        self._socket = socket.create_connection((host, int(port)), timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._arrived = bytearray()

    def within(self, timeout_s: float) -> None:
        """Whatever is asked from now on must be answered in so many seconds altogether."""
        self._until = time.monotonic() + timeout_s

    def ask(self, *words: object, body: bytes | None = None) -> Answer:
        """The answer to one command."""
        return self.ask_all([request(*words, body=body)])[0]

    def ask_all(self, requests: Sequence[bytes]) -> list[Answer]:
        """The answers to commands that are sent together (see :func:`request`)."""
        self._socket.settimeout(self._left_s())
        self._socket.sendall(b"".join(requests))
        return [self._answer() for _ in requests]

    def close(self) -> None:
        self._socket.close()

    def _left_s(self) -> float:
        left_s = self._until - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        return left_s

    def _answer(self) -> Answer:
        while (line := self._arrived.find(END)) < 0:
            self._receive()
        word, *rest = bytes(self._arrived[:line]).split() or [b""]
        end = line + len(END)
        body = b""
        if word in WITH_BODY:
            size = int(rest[-1])
            while len(self._arrived) < end + size + len(END):
                self._receive()
            body = bytes(self._arrived[end : end + size])
            end += size + len(END)
        del self._arrived[:end]
        return Answer(word.decode(), tuple(part.decode() for part in rest), body)

    def _receive(self) -> None:
        self._socket.settimeout(self._left_s())
        arrived = self._socket.recv(1 << 16)
        if not arrived:
            raise ConnectionResetError
        self._arrived += arrived


def request(*words: object, body: bytes | None = None) -> bytes:
    """A command as it stands on the wire."""
    line = " ".join(map(str, words)).encode()
    if body is None:
        return line + END
    return b"%s %d\r\n%s\r\n" % (line, len(body), body)
