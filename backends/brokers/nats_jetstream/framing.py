"""How the network proxy finds the calls of a queue in NATS.

The number of a request stands at the end of the subject where its answer is awaited, and is the
number of the subscription under which the answer comes. An acknowledgement names a job by the
place of its message in the stream, so all sessions of a run remember together which job that is:
whoever was given it has seen both.
"""

from __future__ import annotations

from ...system import Session
from .wire import MESSAGES, SENT, Said, cut, parsed
from .words import ACKS, STREAM, job_in

LEASE = b"$JS.API.CONSUMER.MSG.NEXT."
SUBJECTS = STREAM.encode() + b"."
WORDS = {b"+ACK": "ack", b"-NAK": "release", b"+TERM": "nack", b"+WPI": "extend"}


class NatsFraming:
    """Lines, some with a body; each answer names its request. For one run."""

    numbered = True

    def __init__(self) -> None:
        self._jobs: dict[bytes, str] = {}

    def split(self, buffer: bytearray) -> list[bytes]:
        return cut(buffer)

    def describe(self, message: bytes) -> tuple[int, str, str]:
        return NatsSession({}).request(message)

    def session(self) -> Session:
        return NatsSession(self._jobs)


class NatsSession:
    """See :class:`...system.Session`; ``jobs`` are those of the deliveries that are known."""

    def __init__(self, jobs: dict[bytes, str]) -> None:
        self._jobs = jobs
        self._asked: dict[int, str] = {}

    def request(self, message: bytes) -> tuple[int, str, str]:
        said = parsed(message)
        if said.word not in SENT:
            return 0, "", ""
        last = said.reply_to.rpartition(b".")[2]
        number = int(last) if last.isdigit() else 0
        call, job = self._asking(said)
        self._asked[number] = call
        return number, call, job

    def reply(self, message: bytes) -> tuple[int, str, str]:
        said = parsed(message)
        if said.word not in MESSAGES or not said.words[2].isdigit():
            return 0, "", ""
        number = int(said.words[2])
        call = self._asked.pop(number, "")
        job = job_in(said.body) if said.reply_to.startswith(ACKS) else None
        if job:
            self._jobs[said.reply_to] = job.id
        return number, call, job.id if job else ""

    def _asking(self, said: Said) -> tuple[str, str]:
        subject = said.words[1]
        if subject.startswith(LEASE):
            return "lease", ""
        if subject.startswith(SUBJECTS):
            job = job_in(said.body)
            return "enqueue", job.id if job else ""
        if subject.startswith(ACKS):
            word, _, delay = said.body.partition(b" ")
            call = "nack" if delay and word == b"-NAK" else WORDS.get(word, "")
            return call, self._jobs.get(subject, "")
        return "", ""
