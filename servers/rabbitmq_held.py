"""What a RabbitMQ of a run holds, as its own queues say it (``rabbitmq.erlang``).

Nothing is taken from a queue for it: what has been taken once counts as returned from then on.
"""

from __future__ import annotations

import socket
from base64 import b64decode
from typing import NamedTuple

from ..errors import EnvironmentFault
from .rabbitmq import door

TIMEOUT_S = 10.0
END = "end"


class Message(NamedTuple):
    """``holders``: tags of the consumers that hold unacknowledged messages of that queue.

    ``returns``: how often a quorum queue counts that it came back. ``died``: why it is a dead
    letter, in RabbitMQ's word; ``task``: its header "id".
    """

    queue: str
    ready: bool
    holders: str
    returns: int
    died: str
    task: str
    body: bytes

    @property
    def where(self) -> str:
        if self.died:
            return f"the queue {self.queue}, as a dead letter: {self.died}"
        if self.ready:
            came_back = f", returned {self.returns} times" if self.returns else ""
            return f"the queue {self.queue}, ready{came_back}"
        return f"the queue {self.queue}, unacknowledged by the consumer {self.holders or '?'}"


class Held(NamedTuple):
    """Every message that the broker has, and its clock."""

    messages: list[Message]
    now: float


def held(address: str) -> Held:
    """Raises OSError, :class:`EnvironmentFault`."""
    port = int(address.rpartition(":")[2])
    with socket.socket(socket.AF_UNIX) as asked:
        asked.settimeout(TIMEOUT_S)
        asked.connect(door(port))
        with asked.makefile("rb") as said:
            *lines, last = said.read().decode().splitlines() or [""]
    if not last.startswith(f"{END} "):
        raise EnvironmentFault(f"expected RabbitMQ to say what it holds, found: {last or lines}")
    return Held([_message(line) for line in lines], int(last.split()[1]) / 1e6)


def _message(line: str) -> Message:
    queue, state, holders, returns, died, task, body = line.split(" ")
    queue, holders, died, task = (_of(word).decode() for word in (queue, holders, died, task))
    return Message(queue, state == "ready", holders, int(returns), died, task, _of(body))


def _of(word: str) -> bytes:
    return b"" if word == "-" else b64decode(word)
