"""RESP, which Redis and its kin speak: a command is an array, answers come in order."""

from __future__ import annotations

from collections.abc import Sequence

from .wire import UNASKED, UNGUARDED, Guard, steady

Words = list[bytes]
SUBSCRIBES = {b"SUBSCRIBE", b"PSUBSCRIBE", b"SSUBSCRIBE", b"MONITOR"}
BLOCKS = {
    b"BLPOP", b"BRPOP", b"BLMOVE", b"BRPOPLPUSH", b"BLMPOP", b"BZPOPMIN", b"BZPOPMAX", b"BZMPOP",
    b"WAIT", b"WAITAOF", b"AUTH", b"HELLO", b"QUIT",
}  # fmt: skip
PAIRS, SINGLES = b"%|", b"*~>"
STRINGS = b"$=!"
# Whose second word is no key, but says what the command does.
OF_TWO_WORDS = {
    "CLIENT", "CONFIG", "COMMAND", "SCRIPT", "XGROUP", "XINFO", "MEMORY", "OBJECT", "ACL",
    "LATENCY", "CLUSTER", "DEBUG", "PUBSUB", "FUNCTION",
}  # fmt: skip
WITHOUT_KEY = {
    "MULTI",
    "EXEC",
    "DISCARD",
    "UNWATCH",
    "PING",
    "INFO",
    "TIME",
    "AUTH",
    "HELLO",
    "SELECT",
}
BY_SCRIPT = {"EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "FCALL", "FCALL_RO"}
BY_STREAM = {"XREADGROUP", "XREAD"}
MOST_NAMED = 4


class Resp:
    """See :class:`.wire.Wire`."""

    name = "RESP"
    rank = 1

    def speaks(self, first: bytes) -> bool:
        return first[:1] == b"*" and first[1:2].isdigit()

    def talk(self) -> RespTalk:
        return RespTalk()


class RespTalk:
    """See :class:`.wire.Talk`."""

    def requests(self, buffer: bytearray) -> list[bytes]:
        return _cut(buffer)

    def replies(self, buffer: bytearray) -> list[bytes]:
        return _cut(buffer)

    def guard(self, burst: Sequence[bytes]) -> Guard:
        return UNGUARDED

    def refused(self, reply: bytes) -> bool:
        return reply.startswith(b"-")

    def awaited(self, burst: Sequence[bytes]) -> int:
        words = [words_of(message) for message in burst]
        return UNASKED if any(w and w[0].upper() in SUBSCRIBES for w in words) else len(burst)

    def bears_twice(self, burst: Sequence[bytes]) -> bool:
        """All but what waits for something, and would do so again."""
        words = [words_of(message) for message in burst]
        named = {w[0].upper() for w in words if w}
        return not named & (SUBSCRIBES | BLOCKS) and not any(b"BLOCK" in w for w in words)

    def name(self, burst: Sequence[bytes]) -> str:
        """Its commands with their first keys; a transaction is one: ``MULTI HSET unacked``."""
        named = [_named(words) for words in map(words_of, burst) if words]
        if len(named) == 1:
            return named[0]
        whole = "MULTI" in named
        parts = [part for part in dict.fromkeys(named) if part not in ("MULTI", "EXEC")]
        told = " + ".join(parts[:MOST_NAMED]) + (" + ..." if len(parts) > MOST_NAMED else "")
        return f"MULTI {told}".rstrip() if whole else told


def _cut(buffer: bytearray) -> list[bytes]:
    found = []
    while end := reply_end(buffer, 0):
        found.append(bytes(buffer[:end]))
        del buffer[:end]
    return found


def _named(words: Words) -> str:
    command = _text(words[0]).upper()
    if command in OF_TWO_WORDS and len(words) > 1:
        return f"{command} {_text(words[1]).upper()}"
    if command in WITHOUT_KEY or len(words) < 2:
        return command
    if command in BY_SCRIPT:
        return " ".join([command, *map(steady, map(_text, words[3:4]))])
    if command in BY_STREAM and b"STREAMS" in (upper := [word.upper() for word in words]):
        return " ".join(
            [command, *map(steady, map(_text, words[upper.index(b"STREAMS") + 1 :][:1]))]
        )
    return f"{command} {steady(_text(words[1]))}"


def _text(word: bytes) -> str:
    return word.decode(errors="replace")


def words_of(message: bytes) -> Words:
    """The words of a command; none, if it is not an array of strings."""
    if message[:1] != b"*":
        return message.split()
    words, at = [], message.find(b"\r\n") + 2
    while at < len(message):
        line = message.find(b"\r\n", at)
        size = message[at + 1 : line]
        if line < 0 or not size.isdigit():
            return []
        words.append(message[line + 2 : line + 2 + int(size)])
        at = line + 4 + int(size)
    return words


def reply_end(buffer: bytearray, start: int) -> int:
    """Where the reply that begins at ``start`` ends; 0: it has not come whole yet."""
    line = buffer.find(b"\r\n", start)
    if line < 0:
        return 0
    kind, rest, end = buffer[start : start + 1], bytes(buffer[start + 1 : line]), line + 2
    if kind in STRINGS and rest.isdigit():
        end += int(rest) + 2
        return end if end <= len(buffer) else 0
    many = int(rest) if rest.isdigit() and kind in SINGLES + PAIRS else 0
    for _ in range(many * (2 if kind in PAIRS else 1)):
        end = reply_end(buffer, end)
        if not end:
            return 0
    return end


WIRE = Resp()
