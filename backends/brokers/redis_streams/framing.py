"""How the network proxy finds the calls of a queue in Redis Streams.

An XACK names a job by the place of its entry in the stream, so all sessions of a run remember
together which job stands where: whoever asked for the entry to be added was told, and so was
whoever was given it.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

from ....wires.resp import RespTalk, words_of
from ...system import Session
from .words import DEAD, job_in

CALLS = {
    b"XADD": "enqueue",
    b"XREADGROUP": "lease",
    b"XAUTOCLAIM": "lease",
    b"XACK": "ack",
    b"XCLAIM": "extend",
}
ENTRY = re.compile(rb"\d+-\d+$")
Value = bytes | list["Value"]


class StreamsFraming:
    """Commands of RESP; replies come in order. For one run."""

    numbered = False

    def __init__(self) -> None:
        self._jobs: dict[bytes, str] = {}
        self._wire = RespTalk()

    def split(self, buffer: bytearray) -> list[bytes]:
        return self._wire.requests(buffer)

    def split_replies(self, buffer: bytearray) -> list[bytes]:
        return self._wire.replies(buffer)

    def describe(self, message: bytes) -> tuple[int, str, str]:
        words = words_of(message) or [b""]
        return 0, CALLS.get(words[0].upper(), ""), ""

    def session(self) -> Session:
        return StreamsSession(self._jobs)


class StreamsSession:
    """See :class:`...system.Session`; ``jobs`` are those of the entries that are known."""

    def __init__(self, jobs: dict[bytes, str]) -> None:
        self._jobs = jobs
        self._asked = deque[tuple[str, str]]()

    def request(self, message: bytes) -> tuple[int, str, str]:
        words = words_of(message) or [b""]
        call, job = CALLS.get(words[0].upper(), ""), ""
        if call == "enqueue":
            found = job_in(words[-1])
            job = found.id if found else ""
            call = "nack" if words[1] == DEAD else call
        elif call in ("ack", "extend"):
            job = next((self._jobs[word] for word in words if word in self._jobs), "")
            call = "release" if b"IDLE" in words else call
        self._asked.append((call, job))
        return 0, call, job

    def reply(self, message: bytes) -> tuple[int, str, str]:
        call, job = self._asked.popleft() if self._asked else ("", "")
        value, _ = _parsed(message, 0)
        if call == "enqueue" and isinstance(value, bytes):
            self._jobs[value] = job
        if call != "lease":
            return 0, call, ""
        given = ""
        for entry, body in _entries(value):
            found = job_in(body)
            given = self._jobs[entry] = found.id if found else ""
        return 0, call, given


def _entries(value: Value) -> Iterator[tuple[bytes, bytes]]:
    """Every entry of a stream in an answer: where it stands, and the last of its fields."""
    match value:
        case [bytes(entry), [*_, bytes(body)]] if ENTRY.match(entry):
            yield entry, body
        case [*parts]:
            for part in parts:
                yield from _entries(part)


def _parsed(message: bytes, at: int) -> tuple[Value, int]:
    """The value that begins there, and where it ends. Of a whole message of RESP 2."""
    line = message.index(b"\r\n", at)
    kind, rest, end = message[at : at + 1], message[at + 1 : line], line + 2
    if kind == b"$" and rest.isdigit():
        return message[end : end + int(rest)], end + int(rest) + 2
    if kind != b"*" or not rest.isdigit():
        return rest, end
    parts: list[Value] = []
    for _ in range(int(rest)):
        part, end = _parsed(message, end)
        parts.append(part)
    return parts, end
