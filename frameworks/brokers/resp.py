"""What passes between a library and Redis, cut into requests and replies, with whose job it is.

Redis answers in the order in which it was asked. A library says of each command which job it is
about and what that does to it (:class:`Reader`); whoever subscribes is answered unasked, so of
such a connection nothing is read any more. Nothing here changes a byte.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol

from ...backends.reference.framing import RedisFraming
from ...backends.reference.stores.server_words import REDIS
from ...wires.resp import SUBSCRIBES, Words, reply_end, words_of

LACKS = tuple(f"-{word}".encode() for word in REDIS)
TAKES = (
    b"BRPOP", b"BLPOP", b"RPOP", b"LPOP", b"BLMOVE", b"LMOVE", b"BRPOPLPUSH", b"RPOPLPUSH"
)  # fmt: skip

__all__ = ["Passing", "Reader", "RedisCalls", "RedisSession", "Words", "words_of"]


class Passing(NamedTuple):
    """A command that concerns a job: the call that it is in jobquake's words, and in plain ones.

    ``refused``: Redis lacks what it needs for that, in its own words. ``between``: where a worker
    is that was answered and has done nothing yet, in the library's commands.
    """

    call: str
    job: str
    words: str
    refused: str = ""
    between: str = ""


class Reader(Protocol):
    """What a library knows of its own commands. One for all connections of a run."""

    def request(self, words: Words) -> Passing | None:
        """Of a command that is sent."""

    def reply(self, words: Words, reply: bytes) -> Passing | None:
        """Of the answer to that command, as it stands on the wire."""


class RedisCalls:
    """The framing of a library on Redis; ``reader`` makes what knows its commands."""

    numbered = False

    def __init__(self, reader: Callable[[], Reader]) -> None:
        self._requests = RedisFraming()
        self._reader = reader()

    def split(self, buffer: bytearray) -> list[bytes]:
        return self._requests.split(buffer)

    def describe(self, message: bytes) -> tuple[int, str, str]:
        return 0, "", ""  # a session knows

    def split_replies(self, buffer: bytearray) -> list[bytes]:
        replies = []
        while end := reply_end(buffer, 0):
            replies.append(bytes(buffer[:end]))
            del buffer[:end]
        return replies

    def session(self) -> RedisSession:
        return RedisSession(self._reader)


class RedisSession:
    """One connection: which request comes next to be answered."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._asked: deque[Words] = deque()
        self._listens = False
        self.passing: Passing | None = None
        self.asks = self.answers = False

    def request(self, message: bytes) -> tuple[int, str, str]:
        words = words_of(message)
        self._listens |= bool(words) and words[0].upper() in SUBSCRIBES
        self.asks = bool(words) and words[0].upper() in TAKES
        self._asked.append(words)
        return self._told(self._reader.request(words) if words else None)

    def reply(self, message: bytes) -> tuple[int, str, str]:
        self.answers = False
        if self._listens or not self._asked:
            return self._told(None)
        words = self._asked.popleft()
        self.answers = bool(words) and words[0].upper() in TAKES
        if words and message.startswith(LACKS):
            return self._refused(words, message[1:].decode(errors="replace").strip())
        return self._told(self._reader.reply(words, message) if words else None)

    def _refused(self, words: Words, answer: str) -> tuple[int, str, str]:
        """What was asked has not happened, and it was no call."""
        asked = self._reader.request(words)
        named = " ".join(word.decode(errors="replace") for word in words[:2])
        self.passing = asked and asked._replace(
            words=f"Redis refused {named}: {answer}", refused=answer
        )
        return 0, "", ""

    def _told(self, passing: Passing | None) -> tuple[int, str, str]:
        self.passing = passing
        return (0, passing.call, passing.job) if passing else (0, "", "")
