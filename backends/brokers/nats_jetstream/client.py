"""A connection that speaks the text protocol of NATS: one request at a time, one answer to each.

Each request has a subscription of its own for its answer, whose number is that of the request. It
ends with the first message that comes, so whatever else is answered to it goes nowhere.
"""

from __future__ import annotations

import json
import uuid
from typing import Any, NamedTuple

from ....errors import EnvironmentFault
from ..line import Line
from .wire import INBOX, MESSAGES, cut, parsed

HELLO = {
    "verbose": False,
    "pedantic": False,
    "headers": True,
    "no_responders": True,
    "lang": "python",
    "version": "1",
    "protocol": 1,
}


class NatsError(EnvironmentFault):
    """The server's own words where it answers with an error. ``code`` is JetStream's, or 0."""

    def __init__(self, words: str, code: int = 0) -> None:
        super().__init__(words)
        self.code = code


class Answer(NamedTuple):
    """A message that answers: its subject, where it is to be acknowledged, status and body."""

    subject: str
    reply_to: str
    status: str
    body: bytes


class Client(Line):
    """A connection that speaks it."""

    def __init__(self, address: str, timeout_s: float) -> None:
        super().__init__(address, timeout_s)
        self._messages: list[bytes] = []
        self._inbox = f"{INBOX}.{uuid.uuid4().hex}"  # nobody else may be answered there
        self._number = 0
        self.send(b"CONNECT %s\r\n" % json.dumps(HELLO).encode())

    def ask(self, subject: str, body: bytes = b"", message_id: str = "") -> Answer:
        """The answer to a message to that subject. Raises NatsError."""
        self._number += 1
        number = self._number
        inbox = f"{self._inbox}.{number}"
        ending = f"SUB {inbox} {number}\r\nUNSUB {number} 1\r\n".encode()
        if message_id:
            head = f"NATS/1.0\r\nNats-Msg-Id: {message_id}\r\n\r\n".encode()
            line = f"HPUB {subject} {inbox} {len(head)} {len(head) + len(body)}\r\n".encode()
        else:
            head, line = b"", f"PUB {subject} {inbox} {len(body)}\r\n".encode()
        self.send(ending + line + head + body + b"\r\n")
        while True:
            answer = self._answer(number)
            if answer is not None:
                return answer

    def ask_api(self, subject: str, told: object = None) -> dict[str, Any]:
        """The answer of JetStream's API to a request. Raises NatsError."""
        body = b"" if told is None else json.dumps(told).encode()
        return answered(self.ask(subject, body))

    def _answer(self, number: int) -> Answer | None:
        """The next message, if it is one to that request."""
        while not self._messages:
            self.receive()
            self._messages = cut(self.arrived)
        said = parsed(self._messages.pop(0))
        if said.word == b"PING":
            self.send(b"PONG\r\n")
        elif said.word == b"-ERR":
            raise NatsError(said.line.decode())
        elif said.word in MESSAGES and said.words[2] == b"%d" % number:
            status, _, _ = said.head.removeprefix(b"NATS/1.0").strip(b" ").partition(b"\r\n")
            subject, reply_to = said.words[1].decode(), said.reply_to.decode()
            return Answer(subject, reply_to, status.decode(), said.body)
        return None


def answered(answer: Answer) -> dict[str, Any]:
    """What JetStream answered, as JSON. Raises NatsError."""
    if answer.status:
        raise NatsError(f"status {answer.status}")
    found: dict[str, Any] = json.loads(answer.body)
    if error := found.get("error"):
        raise NatsError(str(error.get("description", error)), int(error.get("err_code", 0)))
    return found
