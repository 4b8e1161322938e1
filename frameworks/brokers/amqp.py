"""What passes between a library and RabbitMQ, cut into messages, with whose job each is.

A library says which job a message is about, by what the message says of itself; which job a
delivery's tag stands for is known from the delivery. Nothing here changes a byte.
"""

from __future__ import annotations

from collections.abc import Callable

from ...wires.amqp import Method, cut, method
from .resp import Passing

Identify = Callable[[bytes, bytes], str]  # the header and the body of a message; "" is no job


class AmqpCalls:
    """The framing of a library on RabbitMQ; ``identify`` tells the job of a message.

    ``copies``: how the queues end that hold copies of jobs, whose ack ends no job.
    """

    numbered = False

    def __init__(self, identify: Identify, copies: str = "") -> None:
        self._identify, self._copies = identify, copies

    def split(self, buffer: bytearray) -> list[bytes]:
        return cut(buffer)

    def describe(self, message: bytes) -> tuple[int, str, str]:
        return 0, "", ""  # a session knows

    def split_replies(self, buffer: bytearray) -> list[bytes]:
        return cut(buffer)

    def session(self) -> AmqpSession:
        return AmqpSession(self._identify, self._copies)


class AmqpSession:
    """One connection: which job each delivery's tag stands for."""

    def __init__(self, identify: Identify, copies: str = "") -> None:
        self._identify, self._copies = identify, copies
        self._of_copies = set[tuple[int, int]]()
        self._held: dict[tuple[int, int], str] = {}
        self.passing: Passing | None = None

    def request(self, message: bytes) -> tuple[int, str, str]:
        told = method(message)
        if told.name == "basic.publish":
            job = self._identify(told.header, told.body)
            return self._told("enqueue", job, "sent basic.publish with it")
        if told.name in ("basic.ack", "basic.reject", "basic.nack"):
            return self._settled(told)
        return self._told("", "", "")

    def reply(self, message: bytes) -> tuple[int, str, str]:
        told = method(message)
        if told.name not in ("basic.deliver", "basic.get-ok"):
            return self._told("", "", "")
        pushed = told.name == "basic.deliver"
        job = self._identify(told.header, told.body)
        tag = told.channel, told.tag(told.behind(0, 1) if pushed else 0)
        self._held[tag] = job
        queue = told.short(told.behind(0, 1) + 9, 1) if pushed else told.short(9, 1)
        if self._copies and queue.endswith(self._copies):
            self._of_copies.add(tag)
            return self._told("", job, f"RabbitMQ sent {told.name} with a copy of it, {queue}")
        again = told.arguments[told.behind(0, 1) + 8 if pushed else 8] & 1
        words = f"RabbitMQ sent {told.name} with it{', marked as redelivered' if again else ''}"
        return self._told("lease", job, words)

    def _settled(self, told: Method) -> tuple[int, str, str]:
        """An ack, or the opposite; of several jobs at once, the last one is told."""
        tag, job = told.tag(), ""
        tags = [of for of in self._held if of[0] == told.channel and of[1] <= tag]
        for of in sorted(tags) if told.multiple else [(told.channel, tag)]:
            job = self._held.pop(of, "") or job
        if (told.channel, tag) in self._of_copies:
            self._of_copies.discard((told.channel, tag))
            return self._told("", job, f"sent {told.name} of a copy of it")
        if told.name == "basic.ack":
            return self._told("ack", job, "sent basic.ack, which ends it")
        bit = 1 if told.name == "basic.reject" else 2
        back = bool(told.arguments[8] & bit)
        ends = "puts it back" if back else "drops it or makes it a dead letter"
        return self._told("release" if back else "nack", job, f"sent {told.name}, which {ends}")

    def _told(self, call: str, job: str, words: str) -> tuple[int, str, str]:
        self.passing = Passing(call, job, words) if job else None
        return (0, call, job) if job else (0, "", "")
