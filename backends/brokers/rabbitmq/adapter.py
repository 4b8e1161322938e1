"""RabbitMQ as a queue system: what it promises, and how a run reaches it.

A delivery lasts for as long as its channel does, and no longer than the server's
``consumer_timeout``, which is set to the length of the plan's leases. The server looks at it in
steps, of a minute unless it is told otherwise; here of ``rabbitmq.TICK_S``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ....protocol import worker as workers
from ....protocol.worker import WorkerProgram
from ....servers import rabbitmq, running
from ...adapter import Claims, Connection
from ...system import Framing
from .connection import Kind, RabbitConnection
from .framing import RabbitFraming

CLAIMS = Claims(
    fencing=False,
    bounded_deliveries=False,  # a classic queue counts none
    own_bounds=False,  # x-delivery-limit is the queue's, and no job's
    dead_letters=False,  # a dead letter tells that it was rejected, and not with which error
    priorities=False,
    idempotent_enqueue=False,
    idempotent_settle=False,  # a tag that was settled is unknown
    skips_completed_keys=False,
    bounded_backlog=False,
    retries=False,  # what is put back is ready at once
    delays=False,
    steady_time=False,  # consumer_timeout goes by the wall clock
    timeouts=False,
    backoff_after_expiry=False,
    lasting_leases=False,
    extends=False,
    durable_acks=False,  # nobody is told when an ack is on disk
    timer_s=rabbitmq.TICK_S,
    restart_s=rabbitmq.RESTART_S,
)


@dataclass(frozen=True)
class RabbitMQ:
    """See :class:`...adapter.RemoteQueue` for the members."""

    name: str
    summary: str
    kind: Kind
    claims: Claims = CLAIMS
    lease_s: float = 60.0
    deliveries: int | None = None
    violates: str | None = None
    worker: WorkerProgram = workers.worker
    framing: Framing | None = field(default_factory=RabbitFraming)

    def leasing(self, lease_s: float) -> RabbitMQ:
        return replace(self, lease_s=lease_s)

    def bounding(self, deliveries: int) -> RabbitMQ:
        return replace(self, deliveries=deliveries)

    def server(self, folder: Path, port: int) -> list[str] | None:
        rabbitmq.program()
        return rabbitmq.command(folder, port, self.lease_s)

    def connect(self, address: str, timeout_s: float) -> Connection:
        return RabbitConnection(address, timeout_s, self.lease_s, self.kind, self.deliveries)

    def programs(self) -> Sequence[str]:
        return running.programs("rabbitmq")
