"""NATS JetStream as a queue system: what it promises, and how a run reaches it.

A message is leased for its consumer's ack wait. Whoever has its ack subject may acknowledge it,
delay it or extend it. How often a message is handed out is bounded for all messages of a consumer
together, so the bound of a job is not; one that was terminated is removed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ....protocol import worker as workers
from ....protocol.worker import WorkerProgram
from ....servers import nats, running
from ...adapter import Claims, Connection
from ...system import Framing
from .connection import NatsConnection
from .framing import NatsFraming

CLAIMS = Claims(
    fencing=False,  # an acknowledgement of a delivery that is over counts
    bounded_deliveries=False,  # max_deliver is the consumer's, and no job's
    dead_letters=False,
    priorities=False,
    idempotent_enqueue=False,  # a crash forgets the ids of what was done, two minutes all of them
    idempotent_settle=False,  # a -NAK that is repeated may be one too many
    skips_completed_keys=False,
    bounded_backlog=False,
    delays=False,  # no message is published for later
    steady_time=False,  # it goes by the wall clock
    timeouts=False,  # a +WPI may be repeated for ever
    backoff_after_expiry=False,
    max_payload_bytes=1_000_000,  # of a message of 1 MiB, with all that is told of the job
)


@dataclass(frozen=True)
class NatsJetStream:
    """See :class:`...adapter.RemoteQueue` for the members."""

    name: str
    summary: str
    claims: Claims = CLAIMS
    careless: bool = False
    lease_s: float = 60.0
    violates: str | None = None
    worker: WorkerProgram = workers.worker
    framing: Framing | None = field(default_factory=NatsFraming)

    def leasing(self, lease_s: float) -> NatsJetStream:
        return replace(self, lease_s=lease_s, framing=NatsFraming())

    def server(self, folder: Path, port: int) -> list[str] | None:
        nats.program()
        return running.command("nats", folder, port, self.careless)

    def connect(self, address: str, timeout_s: float) -> Connection:
        return NatsConnection(address, timeout_s, self.lease_s, self.careless)

    def programs(self) -> Sequence[str]:
        return running.programs("nats")
