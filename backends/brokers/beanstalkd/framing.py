"""How the network proxy finds the calls in beanstalkd's protocol.

A delete names a job by beanstalkd's own number, so a session remembers which job came under which:
with ``RESERVED``, and with ``FOUND``. A release tells a failure from a hand-back by what stands
before it: whoever failed has asked how often the job was handed out.
"""

from __future__ import annotations

from collections import deque

from ...system import Session
from .client import END, WITH_BODY
from .tubes import job_in

CALLS = {
    b"put": "enqueue",
    b"reserve-with-timeout": "lease",
    b"delete": "ack",
    b"touch": "extend",
    b"bury": "nack",
    b"release": "release",
}


class BeanstalkdFraming:
    """Lines, some with a body; replies come in order."""

    numbered = False

    def split(self, buffer: bytearray) -> list[bytes]:
        return _split(buffer, (b"put",))

    def split_replies(self, buffer: bytearray) -> list[bytes]:
        return _split(buffer, WITH_BODY)

    def describe(self, message: bytes) -> tuple[int, str, str]:
        return 0, CALLS.get(message.split(maxsplit=1)[0], ""), ""

    def session(self) -> Session:
        return BeanstalkdSession()


class BeanstalkdSession:
    """See :class:`...system.Session`."""

    def __init__(self) -> None:
        self._jobs: dict[bytes, str] = {}
        self._asked = deque[bytes]()
        self._given = self._failed = b""

    def request(self, message: bytes) -> tuple[int, str, str]:
        line, _, rest = message.partition(END)
        word, number = (*line.split(), b"", b"")[:2]
        self._asked.append(word)
        if word == b"put":
            job = job_in(rest.removesuffix(END))
            return 0, "enqueue", job.id if job else ""
        failed, self._failed = self._failed, b""
        if word == b"stats-job":
            # Whoever has just been given a job asks that, too.
            self._failed = b"" if number == self._given else number
            self._given = b""
        call = "nack" if word == b"release" and number == failed else CALLS.get(word, "")
        return 0, call, self._jobs.get(number, "")

    def reply(self, message: bytes) -> tuple[int, str, str]:
        call = CALLS.get(self._asked.popleft(), "") if self._asked else ""
        line, _, body = message.partition(END)
        word, number = (*line.split(), b"", b"")[:2]
        if word not in (b"RESERVED", b"FOUND"):
            return 0, call, ""
        job = job_in(body.removesuffix(END))
        self._jobs[number] = job.id if job else ""
        if call == "lease":
            self._given = number
        return 0, call, self._jobs[number]


def _split(buffer: bytearray, with_body: tuple[bytes, ...]) -> list[bytes]:
    """Whole lines, each with the body that follows it; its size is the line's last word."""
    messages = []
    while (line := buffer.find(END)) >= 0:
        words, end = bytes(buffer[:line]).split(), line + len(END)
        if words and words[0] in with_body and words[-1].isdigit():
            end += int(words[-1]) + len(END)
        if end > len(buffer):
            break
        messages.append(bytes(buffer[:end]))
        del buffer[:end]
    return messages
