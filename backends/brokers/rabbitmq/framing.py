"""How the network proxy finds the calls of a queue in AMQP.

An ack names a job by a tag, which means something on its own channel only, so a session remembers
which job was given under which. A failure is a ``basic.reject``, a hand-back a ``basic.nack``.
"""

from __future__ import annotations

from ....wires.amqp import Method, cut, method
from ...system import Session
from .words import job_in

CALLS = {
    "basic.publish": "enqueue",
    "basic.get": "lease",
    "basic.ack": "ack",
    "basic.reject": "nack",
    "basic.nack": "release",
}
GIVEN = ("basic.get-ok", "basic.deliver")
TAKEN = ("basic.ack", "basic.nack")  # as answers to a publish


class RabbitFraming:
    """Methods with what they carry; replies come in order."""

    numbered = False

    def split(self, buffer: bytearray) -> list[bytes]:
        return cut(buffer)

    def split_replies(self, buffer: bytearray) -> list[bytes]:
        return cut(buffer)

    def describe(self, message: bytes) -> tuple[int, str, str]:
        return 0, CALLS.get(method(message).name, ""), ""

    def session(self) -> Session:
        return RabbitSession()


class RabbitSession:
    """See :class:`...system.Session`."""

    def __init__(self) -> None:
        self._jobs: dict[tuple[int, int], str] = {}

    def request(self, message: bytes) -> tuple[int, str, str]:
        said = method(message)
        call = CALLS.get(said.name, "")
        if call == "enqueue":
            return 0, call, _job(said)
        if call in ("", "lease"):
            return 0, call, ""
        return 0, call, self._jobs.pop((said.channel, said.tag()), "")

    def reply(self, message: bytes) -> tuple[int, str, str]:
        said = method(message)
        if said.name in TAKEN:
            return 0, "enqueue", ""
        if said.name == "basic.get-empty":
            return 0, "lease", ""
        if said.name not in GIVEN:
            return 0, "", ""
        at = said.behind(0, 1) if said.name == "basic.deliver" else 0
        job = self._jobs[said.channel, said.tag(at)] = _job(said)
        return 0, "lease", job


def _job(said: Method) -> str:
    job = job_in(said.body)
    return job.id if job else ""
