"""HTTP/1: a request line, headers, and a body whose length they tell."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from .wire import READS, Guard, steady, together

METHODS = (b"GET ", b"POST ", b"PUT ", b"PATCH ", b"DELETE ", b"HEAD ", b"OPTIONS ")
READING, SETTING = ("GET", "HEAD", "OPTIONS"), ("PUT", "DELETE")  # RFC 9110, 9.2
NO_KEY = "the request carried no Idempotency-Key"
SAME_KEY, OTHER_KEY = "with the same Idempotency-Key", "its Idempotency-Key was another one"
HEAD_END = b"\r\n\r\n"
WITHOUT_BODY = (b"204", b"304")


class Http1:
    """See :class:`.wire.Wire`."""

    name = "HTTP/1"
    rank = 1

    def speaks(self, first: bytes) -> bool:
        return first.startswith(METHODS)

    def talk(self) -> Http1Talk:
        return Http1Talk()


class Http1Talk:
    """See :class:`.wire.Talk`."""

    def __init__(self) -> None:
        self._asked: deque[bytes] = deque()

    def requests(self, buffer: bytearray) -> list[bytes]:
        found = []
        while end := message_end(buffer):
            message = bytes(buffer[:end])
            del buffer[:end]
            self._asked.append(message.partition(b" ")[0])
            found.append(message)
        return found

    def replies(self, buffer: bytearray) -> list[bytes]:
        """Answers; an interim one (``100 Continue``) is part of the one that it announces."""
        found = []
        while end := self._reply_end(buffer):
            found.append(bytes(buffer[:end]))
            del buffer[:end]
            if self._asked:
                self._asked.popleft()
        return found

    def guard(self, burst: Sequence[bytes]) -> Guard:
        """Its idempotency key; what only reads, or sets, may come as often as it likes."""
        return together([_guard(message) for message in burst])

    def changed(self, reply: bytes) -> bool:
        """Unless it is the answer of an earlier request with the same key."""
        return fields_of(reply).get(b"idempotent-replayed", b"").lower() != b"true"

    def refused(self, reply: bytes) -> bool:
        """By its last status: an interim one comes before."""
        head = reply.rpartition(b"HTTP/1.")[2][:5]
        return head[2:3] in (b"4", b"5")

    def awaited(self, burst: Sequence[bytes]) -> int:
        return len(burst)

    def bears_twice(self, burst: Sequence[bytes]) -> bool:
        """Unless the server is told to close the connection behind the first."""
        return all(b"close" not in fields_of(m).get(b"connection", b"").lower() for m in burst)

    def name(self, burst: Sequence[bytes]) -> str:
        """Method and path, without the query: ``POST /charges``."""
        lines = [message.partition(b"\r\n")[0].decode(errors="replace") for message in burst]
        words = [line.split(" ") for line in lines]
        return " + ".join(f"{word[0]} {steady(word[1].partition('?')[0])}" for word in words)

    def _reply_end(self, buffer: bytearray) -> int:
        begin = 0
        while True:
            head = buffer.find(HEAD_END, begin)
            if head < 0:
                return 0
            status = bytes(buffer[begin:head]).split(b" ", 2)[1:2]
            if not status or not status[0].startswith(b"1") or status[0] == b"101":
                break
            begin = head + len(HEAD_END)
        bodyless = status[:1] and status[0] in WITHOUT_BODY
        if bodyless or (self._asked and self._asked[0] == b"HEAD"):
            return head + len(HEAD_END)
        end = message_end(buffer[begin:])
        return begin + end if end else 0


def _guard(message: bytes) -> Guard:
    method = message.partition(b" ")[0].decode(errors="replace")
    if method in READING:
        return READS
    if method in SETTING:
        return Guard(f"{method}, which may be repeated")
    if key := fields_of(message).get(b"idempotency-key"):
        return Guard(SAME_KEY, key.decode(errors="replace"), OTHER_KEY)
    return Guard(lacks=NO_KEY)


def message_end(buffer: bytearray) -> int:
    """Where the message at the front ends; 0: it has not come whole yet."""
    head = buffer.find(HEAD_END)
    if head < 0:
        return 0
    end = head + len(HEAD_END)
    fields = fields_of(bytes(buffer[:head]))
    if fields.get(b"transfer-encoding", b"").lower().endswith(b"chunked"):
        return _chunks_end(buffer, end)
    length = fields.get(b"content-length", b"0")
    end += int(length) if length.isdigit() else 0
    return end if end <= len(buffer) else 0


def fields_of(message: bytes) -> dict[bytes, bytes]:
    """The headers, by their names in small letters."""
    lines = message.partition(HEAD_END)[0].split(b"\r\n")[1:]
    parts = (line.partition(b":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in parts}


def _chunks_end(buffer: bytearray, at: int) -> int:
    """Behind the last chunk and its trailer."""
    while True:
        line = buffer.find(b"\r\n", at)
        if line < 0:
            return 0
        size = int(bytes(buffer[at:line]).partition(b";")[0] or b"0", 16)
        at = line + 2
        if size == 0:
            if buffer[at : at + 2] == b"\r\n":
                return at + 2
            trailer = buffer.find(HEAD_END, at)
            return trailer + len(HEAD_END) if trailer >= 0 else 0
        at += size + 2
        if at > len(buffer):
            return 0


WIRE = Http1()
