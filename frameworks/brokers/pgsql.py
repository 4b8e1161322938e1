"""What passes between a library and PostgreSQL, cut into statements and rows, with whose job it is.

PostgreSQL answers in the order in which it was asked, and ends each answer when it is ready for
the next. A library says of each statement which job it is about and what that does to it
(:class:`Reader`). Nothing here changes a byte.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from ...backends.reference.framing import PostgresFraming
from .postgres import values_of
from .resp import Passing

Values = list[str | None]
HEAD = 5  # a type and a length


class Statement(NamedTuple):
    """What is asked: its text, and the values that are bound in it."""

    text: str
    values: list[bytes]


class Reader(Protocol):
    """What a library knows of its own statements. One for all connections of a run."""

    def request(self, statement: Statement) -> Passing | None:
        """Of a statement that is sent."""

    def reply(self, statement: Statement, row: Values) -> Passing | None:
        """Of a row that answers it."""


class PostgresCalls:
    """The framing of a library on PostgreSQL; ``reader`` makes what knows its statements."""

    numbered = False

    def __init__(self, reader: Callable[[], Reader]) -> None:
        self._requests = PostgresFraming()
        self._reader = reader()

    def split(self, buffer: bytearray) -> list[bytes]:
        return self._requests.split(buffer)

    def describe(self, message: bytes) -> tuple[int, str, str]:
        return 0, "", ""  # a session knows

    def split_replies(self, buffer: bytearray) -> list[bytes]:
        """Message by message: a notification comes whenever it likes."""
        replies = []
        while len(buffer) >= HEAD:
            end = 1 + int.from_bytes(buffer[1:HEAD], "big")
            if end > len(buffer):
                break
            replies.append(bytes(buffer[:end]))
            del buffer[:end]
        return replies

    def session(self) -> PostgresSession:
        return PostgresSession(self._reader)


class PostgresSession:
    """One connection: which statement is answered next, and what prepared ones are called."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._prepared: dict[bytes, str] = {}
        self._asked: deque[Statement] = deque()
        self.passing: Passing | None = None

    def request(self, message: bytes) -> tuple[int, str, str]:
        statement = Statement("", [])
        for kind, body in _messages(message):
            if kind == b"P":
                name, text = body.split(b"\0")[:2]
                self._prepared[name] = text.decode(errors="replace")
            elif kind == b"B":
                name = body.split(b"\0")[1]
                statement = Statement(self._prepared.get(name, ""), _bound(body))
            elif kind == b"Q":
                statement = Statement(body.rstrip(b"\0").decode(errors="replace"), [])
            if kind in (b"", b"S", b"Q"):  # what begins a session is answered like a question
                self._asked.append(statement)
        return self._told(self._reader.request(statement) if statement.text else None)

    def reply(self, message: bytes) -> tuple[int, str, str]:
        """Of one message, or of all that answer a statement."""
        found = None
        for kind, body in _messages(message):
            asked = self._asked[0] if self._asked else None
            if kind == b"D" and asked:
                found = self._reader.reply(asked, values_of(body)) or found
            if kind == b"Z" and asked:
                self._asked.popleft()
        return self._told(found)

    def _told(self, passing: Passing | None) -> tuple[int, str, str]:
        self.passing = passing
        return (0, passing.call, passing.job) if passing else (0, "", "")


def _messages(group: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and body of each; the first of a session has no type."""
    if group[:1] == b"\0":
        yield b"", group[4:]
        return
    at = 0
    while at + HEAD <= len(group):
        end = at + 1 + int.from_bytes(group[at + 1 : at + HEAD], "big")
        yield group[at : at + 1], group[at + HEAD : end]
        at = end


def _bound(body: bytes) -> list[bytes]:
    """The values of a Bind, as they stand there: text, or what the client sends in binary."""
    at = body.index(b"\0", body.index(b"\0") + 1) + 1
    formats = int.from_bytes(body[at : at + 2], "big")
    binary = [body[at + 2 + 2 * n : at + 4 + 2 * n] == b"\0\1" for n in range(formats)]
    at += 2 + 2 * formats
    count, at = int.from_bytes(body[at : at + 2], "big"), at + 2
    values = []
    for number in range(count):
        size = int.from_bytes(body[at : at + 4], "big", signed=True)
        value = body[at + 4 : at + 4 + max(0, size)]
        at += 4 + max(0, size)
        in_binary = binary[number] if formats == count else bool(binary and binary[0])
        short = in_binary and len(value) in (2, 4, 8)
        values.append(str(int.from_bytes(value, "big", signed=True)).encode() if short else value)
    return values
