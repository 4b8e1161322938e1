"""PostgreSQL: messages with a type and a length; an answer ends when the server is ready again.

What is encrypted cannot be read: from then on nothing is told of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .wire import UNASKED, steady

STARTUP, SSL, CANCEL, GSS = 196608, 80877103, 80877102, 80877104
ASKS = b"QSpF"  # Query, Sync, a password, a function call: each is answered until ReadyForQuery
WITHOUT_TEXT = {b"p": "log in", b"X": "close"}
READY, AUTHENTICATION, ERROR, NOTIFICATION = b"Z", b"R", b"E", b"A"
WHITE = "\t\r\n"
HEAD = 5  # a type and a length
_TARGET = re.compile(
    r"^\s*(?:--[^\n]*\n\s*)*(insert\s+into|delete\s+from|update|copy|select|with|begin|commit|rollback"
    r"|start\s+transaction|set|create\s+\w+|alter\s+\w+|listen|notify|savepoint|release|show|lock)\b"
    r"(?:\s+(?:only\s+)?([\w.\"]+))?",
    re.IGNORECASE,
)
_CALLED = re.compile(r"^\s*select\s+((?:[\w.\"]+\s*\(\s*)+)", re.IGNORECASE)
_FROM = re.compile(r"\bfrom\s+(?:only\s+)?([\w.\"]+)", re.IGNORECASE)
WRITES = re.compile(r"\s*(insert|update|delete|merge|copy)\b", re.IGNORECASE)
UPSERT = re.compile(r"\bon\s+conflict\b", re.IGNORECASE)
ALONE = ("BEGIN", "COMMIT", "ROLLBACK", "START TRANSACTION", "WITH")


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

    def guard(self, burst: Sequence[bytes]) -> str:
        """Of what writes: that it leaves a row alone, or sets it, which is there already."""
        queries = [query for message in burst if (query := _query(message))]
        writes = [query for query in queries if WRITES.match(query)]
        if all(UPSERT.search(query) for query in writes):
            return "with ON CONFLICT" if writes else "nothing is written"
        return ""

    def refused(self, reply: bytes) -> bool:
        at = 0
        while len(reply) >= at + 5:
            if reply[at : at + 1] == ERROR:
                return True
            at += 1 + int.from_bytes(reply[at + 1 : at + 5], "big")
        return False

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
            self._prepared[message[HEAD:].partition(b"\0")[0].decode(errors="replace")] = query
            return statement(query)
        name = message[HEAD:].partition(b"\0")[2].partition(b"\0")[0].decode(errors="replace")
        if kind != b"B" or not name:
            return ""
        return statement(self._prepared[name]) if name in self._prepared else f"run {steady(name)}"

    def _request_end(self, buffer: bytearray) -> int:
        skip = 0 if self._opening else 1
        if len(buffer) < skip + 4:
            return 0
        end = skip + int.from_bytes(buffer[skip : skip + 4], "big")
        return end if 0 < end <= len(buffer) else 0


def _query(message: bytes) -> str:
    """The text of a statement that is run or prepared; "" where it has none."""
    if message[:1] == b"Q":
        return message[5:].rstrip(b"\0").decode(errors="replace")
    if message[:1] == b"P":
        text = message[5:].partition(b"\0")[2].partition(b"\0")[0]
        return text.decode(errors="replace")
    return ""


def statement(query: str) -> str:
    """What it does, and to which table."""
    found = _TARGET.match(query)
    if not found:
        return steady(query.strip().split(" ")[0].upper())
    verb = " ".join(found[1].upper().split())
    target = found[2] or ""
    if verb in ("SELECT", "WITH"):
        table = _FROM.search(query)
        called = _CALLED.match(query)
        target = f"FROM {table[1]}" if table else _innermost(called[1]) if called else ""
    elif verb in ALONE:
        target = ""
    return f"{verb} {steady(target)}".rstrip()


def _innermost(calls: str) -> str:
    """``unnest(defer_jobs(`` asks for what the inner one does."""
    return f"{calls.rstrip(' (' + WHITE).split('(')[-1].strip()}()"


WIRE = Postgres()
