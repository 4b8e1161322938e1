"""How the network proxy finds the calls of the reference queue in the bytes on the wire.

The broker's frames are ours and name their request. Redis and PostgreSQL answer in the
order in which they were asked, so only the requests are cut into messages; the write in
them is known by its identity (:mod:`.identity`). A lease proposes several writes, and its
answer names the one that was carried out. Nothing here changes a byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .broker import wire
from .stores import identity

MAX_MESSAGE = 64 * 1024 * 1024
WAIT_FOR_SYNC = (b"P", b"B", b"D", b"E", b"C")  # Parse, Bind, Describe, Execute, Close


class BrokerFraming:
    """Frames of the broker; each carries the id of its request."""

    numbered = True

    def split(self, buffer: bytearray) -> list[bytes]:
        return [len(body).to_bytes(wire.HEADER, "big") + body for body in wire.split(buffer)]

    def describe(self, message: bytes) -> tuple[int, str, str]:
        return wire.peek(message[wire.HEADER :])


class _Requests:
    """Requests of a protocol without request ids; ``length`` finds the first one's end."""

    numbered = False

    def __init__(self, length: Callable[[bytearray], int]) -> None:
        self._length = length

    def split(self, buffer: bytearray) -> list[bytes]:
        messages = []
        while length := self._length(buffer):
            messages.append(bytes(buffer[:length]))
            del buffer[:length]
        return messages

    def split_replies(self, buffer: bytearray) -> list[bytes]:
        """As they come: what matters in them is found wherever it stands."""
        arrived = bytes(buffer)
        buffer.clear()
        return [arrived] if arrived else []

    def describe(self, message: bytes) -> tuple[int, str, str]:
        writes = identity.found(message)
        return 0, *(writes[0][1] if writes else ("", ""))

    def session(self) -> _Writes:
        return _Writes()


class _Writes:
    """The writes of one connection. A client waits for an answer before it asks again."""

    def __init__(self) -> None:
        self._leases: dict[bytes, str] = {}
        self._tail = b""

    def request(self, message: bytes) -> tuple[int, str, str]:
        writes = identity.found(message)
        self._tail = b""
        self._leases = {text: write.job_id for text, write in writes if write.call == "lease"}
        return 0, *(writes[0][1] if writes else ("", ""))

    def reply(self, message: bytes) -> tuple[int, str, str]:
        """A lease that was carried out says so in its answer."""
        if self._leases:
            text = self._tail + message
            for lease, job_id in self._leases.items():
                if lease in text:
                    self._leases = {}
                    return 0, "lease", job_id
            self._tail = text[-max(map(len, self._leases)) :]
        return 0, "", ""


class RedisFraming(_Requests):
    """Commands of RESP: arrays of bulk strings."""

    def __init__(self) -> None:
        super().__init__(_redis_command)


class PostgresFraming(_Requests):
    """Message groups of PostgreSQL's protocol 3, each up to its Sync."""

    def __init__(self) -> None:
        super().__init__(_postgres_group)


def _redis_command(buffer: bytearray) -> int:
    """Bytes of the first whole command, 0 if there is none yet."""
    end = _line(buffer, 0)
    if not end:
        return 0
    if buffer[:1] != b"*":
        return end  # an inline command
    for _ in range(_number(buffer, 1, end)):
        header = _line(buffer, end)
        if not header:
            return 0
        end = header + _number(buffer, end + 1, header) + 2
    return end if end <= len(buffer) else 0


def _line(buffer: bytearray, start: int) -> int:
    """Where the line that begins at ``start`` ends, behind its line break; 0: not yet."""
    return buffer.find(b"\r\n", start) + 2 if buffer.find(b"\r\n", start) >= 0 else 0


def _number(buffer: bytearray, start: int, end: int) -> int:
    text = bytes(buffer[start : end - 2])
    return int(text) if text.isdigit() else 0


def _postgres_group(buffer: bytearray) -> int:
    """Bytes of the first whole group: what is answered together is lost together."""
    for end, kind in _postgres_messages(buffer):
        if kind not in WAIT_FOR_SYNC:
            return end
    return 0


def _postgres_messages(buffer: bytearray) -> Iterator[tuple[int, bytes]]:
    """(end, type) of each whole message; the first ones of a session have no type."""
    start = 0
    while len(buffer) >= start + 5:
        untyped = buffer[start] == 0
        length = int.from_bytes(buffer[start + (not untyped) :][:4], "big") + (not untyped)
        if not 4 <= length <= MAX_MESSAGE:
            yield len(buffer), b"?"  # no such protocol: pass it on as it is
            return
        start += length
        if start > len(buffer):
            return
        yield start, b"" if untyped else bytes(buffer[start - length : start - length + 1])
