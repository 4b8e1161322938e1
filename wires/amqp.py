"""AMQP 0-9-1, which RabbitMQ speaks: methods on channels, some answered, some pushed unasked.

A method that carries a message is followed by its header and its body; all of it is one. What the
server pushes by itself is a round trip of its own that nobody asked for: "basic.deliver QUEUE".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .wire import UNGUARDED, Guard, steady

PROTOCOL = b"AMQP"
METHOD, HEADER, BODY, HEARTBEAT = 1, 2, 3, 8
FRAME, END = 7, 1  # bytes before and after what a frame holds
CLASSES = {
    10: "connection", 20: "channel", 40: "exchange", 50: "queue", 60: "basic", 85: "confirm",
    90: "tx",
}  # fmt: skip
NAMES = {
    (10, 10): "start", (10, 11): "start-ok", (10, 30): "tune", (10, 31): "tune-ok",
    (10, 40): "open", (10, 41): "open-ok", (10, 50): "close", (10, 51): "close-ok",
    (10, 60): "blocked", (10, 61): "unblocked",
    (20, 10): "open", (20, 11): "open-ok", (20, 20): "flow", (20, 21): "flow-ok",
    (20, 40): "close", (20, 41): "close-ok",
    (40, 10): "declare", (40, 11): "declare-ok", (40, 20): "delete", (40, 21): "delete-ok",
    (40, 30): "bind", (40, 31): "bind-ok", (40, 40): "unbind", (40, 51): "unbind-ok",
    (50, 10): "declare", (50, 11): "declare-ok", (50, 20): "bind", (50, 21): "bind-ok",
    (50, 30): "purge", (50, 31): "purge-ok", (50, 40): "delete", (50, 41): "delete-ok",
    (50, 50): "unbind", (50, 51): "unbind-ok",
    (60, 10): "qos", (60, 11): "qos-ok", (60, 20): "consume", (60, 21): "consume-ok",
    (60, 30): "cancel", (60, 31): "cancel-ok", (60, 40): "publish", (60, 50): "return",
    (60, 60): "deliver", (60, 70): "get", (60, 71): "get-ok", (60, 72): "get-empty",
    (60, 80): "ack", (60, 90): "reject", (60, 100): "recover-async", (60, 110): "recover",
    (60, 111): "recover-ok", (60, 120): "nack",
    (85, 10): "select", (85, 11): "select-ok",
    (90, 10): "select", (90, 11): "select-ok", (90, 20): "commit", (90, 21): "commit-ok",
    (90, 30): "rollback", (90, 31): "rollback-ok",
}  # fmt: skip
# Where a method's arguments have the bit that no answer is wanted, behind so many bytes and short
# strings; the last number is that bit.
NO_WAIT = {
    "exchange.declare": (2, 2, 16), "exchange.delete": (2, 1, 2), "exchange.bind": (2, 3, 1),
    "exchange.unbind": (2, 3, 1), "queue.declare": (2, 1, 16), "queue.bind": (2, 3, 1),
    "queue.purge": (2, 1, 1), "queue.delete": (2, 1, 4), "basic.consume": (2, 2, 8),
    "basic.cancel": (0, 1, 1), "confirm.select": (0, 0, 1),
}  # fmt: skip
UNANSWERED = {
    "connection.tune-ok", "connection.close-ok", "channel.close-ok", "channel.flow-ok",
    "basic.publish", "basic.ack", "basic.reject", "basic.nack", "basic.recover-async",
    "basic.cancel-ok", "heartbeat",
}  # fmt: skip
PUSHED = {
    "basic.deliver", "basic.return", "basic.cancel", "basic.ack", "basic.nack", "channel.close",
    "channel.flow", "connection.close", "connection.blocked", "connection.unblocked", "heartbeat",
}  # fmt: skip
WITH_CONTENT = {"basic.publish", "basic.return", "basic.deliver", "basic.get-ok"}


class Method(NamedTuple):
    """A message: ``basic.publish``, its channel, its arguments, and its header and body if any."""

    name: str
    channel: int
    arguments: bytes
    header: bytes = b""
    body: bytes = b""

    def short(self, at: int, number: int = 0) -> str:
        """The short string of that number behind so many bytes of the arguments."""
        for _ in range(number):
            at += 1 + self.arguments[at]
        return self.arguments[at + 1 : at + 1 + self.arguments[at]].decode(errors="replace")

    def behind(self, at: int, strings: int) -> int:
        """The place behind so many bytes and short strings."""
        for _ in range(strings):
            at += 1 + self.arguments[at]
        return at

    def tag(self, at: int = 0) -> int:
        return int.from_bytes(self.arguments[at : at + 8], "big")

    @property
    def multiple(self) -> bool:
        """Of an ack or nack: whether all up to its tag are meant."""
        return self.name != "basic.reject" and bool(self.arguments[8] & 1)


def cut(buffer: bytearray) -> list[bytes]:
    """Take whole messages off the front: a method with what it carries."""
    found = []
    while end := _message_end(buffer):
        found.append(bytes(buffer[:end]))
        del buffer[:end]
    return found


def method(message: bytes) -> Method:
    """What was cut; the greeting of a client is ``connect``."""
    if message.startswith(PROTOCOL):
        return Method("connect", 0, b"")
    if message[0] == HEARTBEAT:
        return Method("heartbeat", 0, b"")
    frames = list(_frames(message))
    kind, channel, held = frames[0]
    pair = int.from_bytes(held[:2], "big"), int.from_bytes(held[2:4], "big")
    name = f"{CLASSES.get(pair[0], pair[0])}.{NAMES.get(pair, pair[1])}" if kind == METHOD else "?"
    header = next((of for sort, _, of in frames if sort == HEADER), b"")
    body = b"".join(of for sort, _, of in frames if sort == BODY)
    return Method(name, channel, held[4:], header, body)


class Amqp:
    """See :class:`.wire.Wire`."""

    name = "AMQP"
    rank = 1

    def speaks(self, first: bytes) -> bool:
        return first[:4] == PROTOCOL

    def talk(self) -> AmqpTalk:
        return AmqpTalk()


class AmqpTalk:
    """See :class:`.wire.Talk` and :class:`.wire.Pushing`.

    ``_queues``: of which queue a consumer's tag is; ``_held``: of which one a delivery's tag is.
    ``_unconfirmed``: how many messages of a channel are still to be confirmed, where they are.
    """

    def __init__(self) -> None:
        self._queues: dict[tuple[int, str], str] = {}
        self._held: dict[tuple[int, int], str] = {}
        self._last = dict[int, str]()
        self._unconfirmed: dict[int, int] = {}
        self._confirmed: dict[int, int] = {}
        self._open = 0

    def requests(self, buffer: bytearray) -> list[bytes]:
        found = cut(buffer)
        self._open += sum(map(self._answers_to, found))
        return found

    def replies(self, buffer: bytearray) -> list[bytes]:
        """A confirmation of several messages is followed by nothing for each of the others."""
        found = []
        for message in cut(buffer):
            found.append(message)
            found += [b""] * (self._answered(method(message)) - 1)
        return found

    def pushed(self, reply: bytes) -> str:
        if not reply:
            return ""
        told = method(reply)
        if told.name not in PUSHED or self._confirms(told):
            return ""
        if told.name.endswith(".close") and self._open > 0:
            return ""  # it is the answer to what was wrong
        if told.name != "basic.deliver":
            return told.name
        queue = self._queues.get((told.channel, told.short(0)), "")
        self._held[told.channel, told.tag(told.behind(0, 1))] = queue
        return f"basic.deliver {steady(queue)}".strip()

    def guard(self, burst: Sequence[bytes]) -> Guard:
        return UNGUARDED

    def refused(self, reply: bytes) -> bool:
        return bool(reply) and method(reply).name in ("channel.close", "connection.close")

    def awaited(self, burst: Sequence[bytes]) -> int:
        return sum(map(self._wanted, burst))

    def bears_twice(self, burst: Sequence[bytes]) -> bool:
        """Messages that nobody confirms: all else has an order, or a tag that is good for once."""
        names = {method(message).name for message in burst}
        return names == {"basic.publish"} and not self.awaited(burst)

    def name(self, burst: Sequence[bytes]) -> str:
        """Its methods with their queues: ``basic.publish q``, ``basic.ack q``."""
        return " + ".join(dict.fromkeys(self._named(method(message)) for message in burst))

    def _named(self, told: Method) -> str:
        """Also notes what later ones are to be called by."""
        if told.name == "basic.publish":
            exchange, key = told.short(2), told.short(2, 1)
            return f"basic.publish {steady(key or exchange)}".strip()
        if told.name == "basic.consume":
            queue, tag = told.short(2) or self._last.get(told.channel, ""), told.short(2, 1)
            self._queues[told.channel, tag] = queue
            return f"basic.consume {steady(queue)}".strip()
        if told.name in ("basic.ack", "basic.nack", "basic.reject"):
            queue = self._held.pop((told.channel, told.tag()), "")
            return f"{told.name} {steady(queue)}".strip()
        if told.name in ("queue.declare", "exchange.declare", "basic.get"):
            self._last[told.channel] = told.short(2)
            return f"{told.name} {steady(told.short(2))}".strip()
        if told.name == "confirm.select":
            self._unconfirmed[told.channel] = self._confirmed[told.channel] = 0
        return told.name

    def _answers_to(self, message: bytes) -> int:
        """How many answers it will have; publishes are counted where they are confirmed."""
        told = method(message)
        if told.name == "confirm.select":
            self._unconfirmed.setdefault(told.channel, 0)
            self._confirmed.setdefault(told.channel, 0)
        if told.name == "basic.publish" and told.channel in self._unconfirmed:
            self._unconfirmed[told.channel] += 1
        return self._wanted(message)

    def _wanted(self, message: bytes) -> int:
        told = method(message)
        if told.name == "basic.publish":
            return int(told.channel in self._unconfirmed)
        if told.name in UNANSWERED:
            return 0
        at, strings, bit = NO_WAIT.get(told.name, (0, 0, 0))
        place = told.behind(at, strings)
        return 0 if bit and told.arguments[place : place + 1][0] & bit else 1

    def _confirms(self, told: Method) -> bool:
        return told.name in ("basic.ack", "basic.nack") and told.channel in self._unconfirmed

    def _answered(self, told: Method) -> int:
        """How many requests that answers."""
        if not self._confirms(told):
            self._open -= told.name not in PUSHED
            return 1
        before, tag = self._confirmed[told.channel], told.tag()
        many = max(1, tag - before) if told.multiple else 1
        self._confirmed[told.channel] = max(before, tag)
        self._open -= many
        return many


def _message_end(buffer: bytearray) -> int:
    """Where the first message ends; 0: it has not come whole yet."""
    if buffer.startswith(PROTOCOL):
        return 8 if len(buffer) >= 8 else 0
    end = _frame_end(buffer, 0)
    if not end or buffer[0] != METHOD or method(bytes(buffer[:end])).name not in WITH_CONTENT:
        return end
    header, left = end, -1
    while left:
        end = _frame_end(buffer, header)
        if not end:
            return 0
        if buffer[header] == HEADER:
            left = int.from_bytes(buffer[header + FRAME + 4 : header + FRAME + 12], "big")
        elif buffer[header] == BODY:
            left -= end - header - FRAME - END
        header = end
    return end


def _frame_end(buffer: bytes | bytearray, at: int) -> int:
    if len(buffer) < at + FRAME:
        return 0
    end = at + FRAME + int.from_bytes(buffer[at + 3 : at + FRAME], "big") + END
    return end if end <= len(buffer) else 0


def _frames(message: bytes) -> list[tuple[int, int, bytes]]:
    found, at = [], 0
    while end := _frame_end(message, at):
        channel = int.from_bytes(message[at + 1 : at + 3], "big")
        found.append((message[at], channel, message[at + FRAME : end - END]))
        at = end
    return found


WIRE = Amqp()
