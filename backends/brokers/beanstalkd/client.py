"""A connection that speaks beanstalkd's text protocol. It knows no job of ours.

A request is a line, ``put`` is followed by a body. A reply is a line, and behind ``RESERVED``,
``FOUND`` and ``OK`` come as many bytes as its last word says. Replies come in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..line import Line

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


class Client(Line):
    """A connection that speaks it."""

    def ask(self, *words: object, body: bytes | None = None) -> Answer:
        """The answer to one command."""
        return self.ask_all([request(*words, body=body)])[0]

    def ask_all(self, requests: Sequence[bytes]) -> list[Answer]:
        """The answers to commands that are sent together (see :func:`request`)."""
        self.send(b"".join(requests))
        return [self._answer() for _ in requests]

    def _answer(self) -> Answer:
        while (line := self.arrived.find(END)) < 0:
            self.receive()
        word, *rest = bytes(self.arrived[:line]).split() or [b""]
        end = line + len(END)
        body = b""
        if word in WITH_BODY:
            size = int(rest[-1])
            while len(self.arrived) < end + size + len(END):
                self.receive()
            body = bytes(self.arrived[end : end + size])
            end += size + len(END)
        del self.arrived[:end]
        return Answer(word.decode(), tuple(part.decode() for part in rest), body)


def request(*words: object, body: bytes | None = None) -> bytes:
    """A command as it stands on the wire."""
    line = " ".join(map(str, words)).encode()
    if body is None:
        return line + END
    return b"%s %d\r\n%s\r\n" % (line, len(body), body)
