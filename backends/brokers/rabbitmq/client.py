"""A connection that speaks AMQP: one request at a time, and what is pushed in between.

It sends no heartbeats and asks for none: one thread has it, which may work at a job for long.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from ....errors import EnvironmentFault
from ....wires.amqp import Method, cut, method
from ..line import Line
from .wire import GREETING, content, counted, long, properties, short, table, told

FRAME_MAX = 131_072
CHANNELS = 2047
LOGIN = b"\0guest\0guest"
CONTROL, PUBLISHING = 0, 1
MISSING_QUEUE = 404


class AmqpError(EnvironmentFault):
    """The server's own words where it closes the connection or a channel. ``code`` is AMQP's."""

    def __init__(self, words: str, code: int) -> None:
        super().__init__(words)
        self.code = code


class Given(NamedTuple):
    """A message that was handed out: on which channel, under which tag, and how often before."""

    channel: int
    tag: int
    redelivered: bool
    returns: int
    body: bytes


class Client(Line):
    """A connection that speaks it. Channels are opened when they are first used."""

    def __init__(self, address: str, timeout_s: float) -> None:
        super().__init__(address, timeout_s)
        self._methods: list[Method] = []
        self._pushed = defaultdict[int, list[Given]](list)
        self._closed: dict[int, AmqpError] = {}
        self._opened = set[int]()
        self.send(GREETING)
        self._expect(CONTROL, "connection.start")
        login = (table({}), short("PLAIN"), long(LOGIN), short("en_US"))
        self.ask(CONTROL, "connection.start-ok", *login, answer="connection.tune")
        limits = CHANNELS.to_bytes(2, "big") + FRAME_MAX.to_bytes(4, "big") + bytes(2)
        self.send(told("connection.tune-ok", CONTROL, limits))
        self.ask(CONTROL, "connection.open", short("/"), bytes(2))

    def ask(self, channel: int, name: str, *arguments: bytes, answer: str = "") -> Method:
        """The answer to a method: the one whose name is its own with ``-ok``, unless it is told."""
        if channel != CONTROL:
            self._open(channel)
        self.send(told(name, channel, *arguments))
        return self._expect(channel, answer or f"{name}-ok")

    def declare(self, queue: str, durable: bool, arguments: dict[str, str | int]) -> None:
        bits = bytes([2 if durable else 0])
        named = (bytes(2), short(queue), bits, table(arguments))
        self.ask(PUBLISHING, "queue.declare", *named)

    def publish(self, queue: str, job_id: str, body: bytes, persistent: bool) -> None:
        self._open(PUBLISHING)
        frames = [
            told("basic.publish", PUBLISHING, bytes(2), short(""), short(queue), bytes(1)),
            *content(PUBLISHING, properties(job_id, 2 if persistent else 1, 0), body, FRAME_MAX),
        ]
        self.send(b"".join(frames))

    def confirmed(self) -> bool:
        """Whether the server has taken what was published; raises AmqpError."""
        return self._expect(PUBLISHING, "basic.ack", "basic.nack").name == "basic.ack"

    def take(self, channel: int, queue: str) -> Given | None:
        """The next message of that queue, if there is one."""
        self._open(channel)
        self.send(told("basic.get", channel, bytes(2), short(queue), bytes(1)))
        found = self._expect(channel, "basic.get-ok", "basic.get-empty")
        return _given(found, 0) if found.name == "basic.get-ok" else None

    def consume(self, channel: int, queue: str, tag: str) -> None:
        named = (bytes(2), short(queue), short(tag), bytes(1), table({}))
        self.ask(channel, "basic.consume", *named)

    def cancel(self, channel: int, tag: str) -> None:
        self.ask(channel, "basic.cancel", short(tag), bytes(1))

    def wait(self, channel: int, wait_s: float) -> None:
        """Wait until a message is pushed on that channel, for so many seconds at most."""
        self.within(wait_s)
        try:
            while not self._pushed[channel]:
                self._read()
                if why := self._closed.get(channel):
                    raise why
        except TimeoutError:
            pass

    def pushed(self, channel: int) -> list[Given]:
        return self._pushed.pop(channel, [])

    def settle(self, channel: int, name: str, *arguments: bytes) -> None:
        """Say so, and wait until the channel has read it. Raises AmqpError if it took it ill.

        No ack is answered. What is asked behind it is: methods of a channel are read in order.
        """
        self._open(channel)
        self.send(told(name, channel, *arguments))
        self.ask(channel, "basic.qos", bytes(4), (1).to_bytes(2, "big"), bytes(1))

    def is_closed(self, channel: int) -> bool:
        """Whether the server has closed it. Its number is not used again: it may be closed twice,
        as a channel whose time is up is at every step.
        """
        return channel in self._closed

    def _open(self, channel: int) -> None:
        if channel in self._closed:
            raise self._closed[channel]
        if channel not in self._opened:
            self._opened.add(channel)
            self.ask(channel, "channel.open", short(""))
            self.ask(channel, "basic.qos", bytes(4), (1).to_bytes(2, "big"), bytes(1))

    def _expect(self, channel: int, *names: str) -> Method:
        """The next method of one of these names on that channel."""
        while True:
            for place, found in enumerate(self._methods):
                if found.channel == channel and found.name in names:
                    return self._methods.pop(place)
            if why := self._closed.get(channel):
                raise why
            self._read()

    def _read(self) -> None:
        """Take in what has arrived, or comes next."""
        messages = cut(self.arrived)
        if not messages:
            self.receive()
            messages = cut(self.arrived)
        for message in messages:
            self._take_in(method(message))

    def _take_in(self, said: Method) -> None:
        if said.name == "basic.deliver":
            self._pushed[said.channel].append(_given(said, 1))
        elif said.name == "channel.close":
            if (
                said.channel not in self._closed
            ):  # a channel whose time is up is closed at every step
                self._closed[said.channel] = _error(said)
                self.send(told("channel.close-ok", said.channel))
        elif said.name == "connection.close":
            raise _error(said)
        elif said.name != "heartbeat":
            self._methods.append(said)


def _given(said: Method, strings: int) -> Given:
    at = said.behind(0, strings)  # the consumer's tag stands before what was pushed
    returns = counted(said.header, "x-delivery-count")
    return Given(said.channel, said.tag(at), bool(said.arguments[at + 8] & 1), returns, said.body)


def _error(said: Method) -> AmqpError:
    return AmqpError(said.short(2), int.from_bytes(said.arguments[:2], "big"))
