"""beanstalkd as a queue system: what it promises, and how a run reaches it.

A job is leased for its time-to-run, and for no longer than the connection lasts that reserved it.
It is handed out for ever: only a worker that lives to say that its job failed buries it. A job has
no id that a producer gives, so one that is enqueued twice is two jobs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ....protocol import worker as workers
from ....protocol.worker import WorkerProgram
from ....servers import beanstalkd, running
from ...adapter import Claims, Connection
from ...system import Framing
from .connection import BeanstalkdConnection
from .framing import BeanstalkdFraming

CLAIMS = Claims(
    fencing=False,  # whoever lost a job that waits may delete it
    bounded_deliveries=False,  # a time-to-run that ran out is counted, and bounded by nobody
    dead_letters=False,  # a buried job has no reason
    idempotent_enqueue=False,
    idempotent_settle=False,  # a job that was deleted is unknown
    skips_completed_keys=False,
    bounded_backlog=False,
    steady_time=False,  # it goes by the wall clock
    timeouts=False,  # a touch may be repeated for ever
    backoff_after_expiry=False,
    lasting_leases=False,
    timer_s=1.0,
    max_payload_bytes=60 * 1024,  # a job has at most 65,535 bytes, with all that is told of it
)


@dataclass(frozen=True)
class Beanstalkd:
    """See :class:`...adapter.RemoteQueue` for the members."""

    name: str
    summary: str
    claims: Claims = CLAIMS
    careless: bool = False
    lease_s: float = 60.0
    violates: str | None = None
    worker: WorkerProgram = workers.worker
    framing: Framing | None = field(default_factory=BeanstalkdFraming)

    def leasing(self, lease_s: float) -> Beanstalkd:
        return replace(self, lease_s=lease_s)

    def server(self, folder: Path, port: int) -> list[str] | None:
        beanstalkd.program()
        return running.command("beanstalkd", folder, port, self.careless)

    def connect(self, address: str, timeout_s: float) -> Connection:
        return BeanstalkdConnection(address, timeout_s, self.lease_s)

    def programs(self) -> Sequence[str]:
        return running.programs("beanstalkd")
