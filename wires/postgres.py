"""PostgreSQL: messages with a type and a length; an answer ends when the server is ready again.

What is encrypted cannot be read: from then on nothing is told of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .sql import guard_of, parts, statement
from .wire import UNASKED, Guard, steady

STARTUP, SSL, CANCEL, GSS = 196608, 80877103, 80877102, 80877104
ASKS = b"QSpF"  # Query, Sync, a password, a function call: each is answered until ReadyForQuery
WITHOUT_TEXT = {b"p": "log in", b"X": "close"}
READY, AUTHENTICATION, ERROR, NOTIFICATION = b"Z", b"R", b"E", b"A"
HEAD = 5  # a type and a length
QUERY, PARSE, BIND, COMPLETE = b"Q", b"P", b"B", b"C"
COUNTED = ("INSERT", "UPDATE", "DELETE", "MERGE", "COPY")  # their last word says how many rows


class Postgres:
    """See :class:`.wire.Wire`."""

    name = "PostgreSQL"
    rank = 1

    def speaks(self, first: bytes) -> bool:
        code = int.from_bytes(first[4:8], "big")
        return len(first) >= 8 and code in (STARTUP, SSL, CANCEL, GSS)

    def talk(self) -> PostgresTalk:
        return PostgresTalk()


class PostgresTalk:
    """See :class:`.wire.Talk`. ``_opening``: messages have no type until the start is answered.

    ``_open``: how many answers are still to come. Where there are none, a notification is no part
    of one, and nobody is to wait for its end.
    """

    def __init__(self) -> None:
        self._opening = True
        self._asks_to_encrypt = False
        self._encrypted = False
        self._open = 0
        self._prepared: dict[str, str] = {}

    def requests(self, buffer: bytearray) -> list[bytes]:
        found = []
        while end := self._request_end(buffer):
            message = bytes(buffer[:end])
            del buffer[:end]
            if self._opening:
                code = int.from_bytes(message[4:8], "big")
                self._asks_to_encrypt = code in (SSL, GSS)
                self._opening = self._asks_to_encrypt
            self._open += self._is_answered(message)
            self._learn(message)
            found.append(message)
        return found

    @staticmethod
    def _is_answered(message: bytes) -> bool:
        return message[:1] in (b"\0", *(bytes([kind]) for kind in ASKS))

    def replies(self, buffer: bytearray) -> list[bytes]:
        """Each up to the server's readiness, or to its question for a password."""
        if self._asks_to_encrypt and buffer:
            self._asks_to_encrypt = False
            self._encrypted = bytes(buffer[:1]) in (b"S", b"G")
            self._open -= 1
            said = bytes(buffer[:1])
            del buffer[:1]
            return [said]
        found, at, start = [], 0, 0
        while len(buffer) >= at + 5:
            end = at + 1 + int.from_bytes(buffer[at + 1 : at + 5], "big")
            if end > len(buffer):
                break
            kind = bytes(buffer[at : at + 1])
            asks = kind == AUTHENTICATION and bytes(buffer[at + 5 : at + 9]) != bytes(4)
            at = end
            told = kind == NOTIFICATION and self._open <= 0
            self._open -= not told and (kind == READY or asks)
            if kind == READY or asks or told:
                found.append(bytes(buffer[start:at]))
                start = at
        del buffer[:start]
        return found

    def guard(self, burst: Sequence[bytes]) -> Guard:
        """Of what is carried out, not of what is only prepared."""
        return guard_of([done for message in burst if (done := self._carried_out(message))])

    def refused(self, reply: bytes) -> bool:
        """By an error, or by taking back a transaction that has failed."""
        if any(kind == ERROR for kind, _ in _messages(reply)):
            return True
        return set(_tags(reply)) == {"ROLLBACK"}

    def changed(self, reply: bytes) -> bool:
        """Unless it wrote, and no row: ``INSERT 0 0``."""
        counts = [tag.split()[-1] for tag in _tags(reply) if tag.startswith(COUNTED)]
        return not counts or any(count != "0" for count in counts)

    def awaited(self, burst: Sequence[bytes]) -> int:
        if self._encrypted:
            return UNASKED
        return sum(map(self._is_answered, burst))

    def name(self, burst: Sequence[bytes]) -> str:
        """The statements in it: ``INSERT INTO payments``."""
        told = [words for message in burst if (words := self._told(message))]
        return " + ".join(dict.fromkeys(told)) or "wait for the server"

    def _told(self, message: bytes) -> str:
        """A statement that was prepared is called by what it does, not by its number."""
        kind = message[:1]
        if kind == b"\0":
            return "connect"
        if kind in WITHOUT_TEXT:
            return WITHOUT_TEXT[kind]
        if query := _query(message):
            self._learn(message)
            return " + ".join(dict.fromkeys(map(statement, parts(query))))
        if kind != BIND or not (name := _words(message)[1]):
            return ""
        return statement(self._prepared[name]) if name in self._prepared else f"run {steady(name)}"

    def _learn(self, message: bytes) -> None:
        if message[:1] == PARSE:
            self._prepared[_words(message)[0]] = _query(message)

    def _carried_out(self, message: bytes) -> tuple[str, bytes] | None:
        """The statement that this runs, and the bytes of its values."""
        if message[:1] == QUERY:
            return _query(message), b""
        if message[:1] != BIND:
            return None
        query = self._prepared.get(_words(message)[1])
        values = message[HEAD:].split(b"\0", 2)[2]
        return (query, values) if query else None

    def _request_end(self, buffer: bytearray) -> int:
        skip = 0 if self._opening else 1
        if len(buffer) < skip + 4:
            return 0
        end = skip + int.from_bytes(buffer[skip : skip + 4], "big")
        return end if 0 < end <= len(buffer) else 0


def _words(message: bytes) -> list[str]:
    """The first two names in it, each of which ends with a zero."""
    return [word.decode(errors="replace") for word in message[HEAD:].split(b"\0", 2)[:2]]


def _messages(reply: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Its parts, each with its type."""
    at = 0
    while len(reply) >= at + HEAD:
        end = at + 1 + int.from_bytes(reply[at + 1 : at + HEAD], "big")
        yield reply[at : at + 1], reply[at + HEAD : end]
        at = end


def _tags(reply: bytes) -> list[str]:
    """What it says of each statement that is complete: ``INSERT 0 1``."""
    return [
        said.rstrip(b"\0").decode(errors="replace")
        for kind, said in _messages(reply)
        if kind == COMPLETE
    ]


def _query(message: bytes) -> str:
    """The text of a statement that is run or prepared; "" where it has none."""
    if message[:1] == QUERY:
        return message[5:].rstrip(b"\0").decode(errors="replace")
    if message[:1] == PARSE:
        text = message[5:].partition(b"\0")[2].partition(b"\0")[0]
        return text.decode(errors="replace")
    return ""


WIRE = Postgres()
