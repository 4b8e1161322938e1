"""The reference queue with mistakes that only a past brings out, for the simulator."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from jobquake.backends.adapter import Claims, Connection, Queue
from jobquake.backends.built_in.reference import BACKEND as REFERENCE
from jobquake.protocol.clock import Clock
from jobquake.protocol.commands import Ack, Command, Delivery, Enqueue, Lease, Leased, Reply
from jobquake.protocol.worker import worker
from msgspec.structs import replace


@dataclass
class Haunted:
    """The reference queue with a mistake that only shows after ``MANY`` completed jobs."""

    inner: Queue
    mistake: str
    completed: int = 0
    enqueued: int = 0
    first: Delivery | None = None
    MANY = 100

    def call(self, command: Command) -> Reply:
        if isinstance(command, Ack):
            self.completed += 1
        if isinstance(command, Enqueue):
            self.enqueued += 1
            if self.mistake == "keeps one" and self.enqueued == self.MANY:
                command = Enqueue(replace(command.job, delay_s=1e6))
        again = self.mistake == "hands one out again" and self.completed >= self.MANY
        if isinstance(command, Lease) and again and self.first:
            first, self.first = self.first, None
            return Leased(first)
        reply = self.inner.call(command)
        if isinstance(reply, Leased) and reply.delivery and not self.completed:
            self.first = reply.delivery
        return reply

    def next_change_at(self, queues: tuple[str, ...]) -> float | None:
        return self.inner.next_change_at(queues)

    def crash(self) -> None:
        self.inner.crash()


@dataclass(frozen=True)
class HauntedAdapter:
    mistake: str
    name: str = "haunted"
    summary: str = "broken: the past comes back"
    claims: Claims = field(default_factory=Claims)
    violates: str | None = "no_phantoms"
    framing: None = None
    worker = staticmethod(worker)

    def local(self, clock: Clock, rng: Random) -> Queue:
        return Haunted(REFERENCE.local(clock, rng), self.mistake)

    def server(self, folder: Path, port: int) -> list[str] | None:
        return None

    def connect(self, address: str, timeout_s: float) -> Connection:
        raise NotImplementedError


FORGETS_NOT = HauntedAdapter("hands one out again")
