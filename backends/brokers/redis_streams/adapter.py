"""Redis Streams as a queue system: what they promise, and how a run reaches them.

An entry is left with its consumer for as long as everybody agrees to leave it alone, and who has
it is kept with the stream. Anybody may acknowledge it. Nothing is delayed, no stream is more
urgent than another, and nobody counts deliveries but whoever asks how often there were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ....protocol import worker as workers
from ....protocol.worker import WorkerProgram
from ....servers import running
from ...adapter import Claims, Connection
from ...system import Framing
from .framing import StreamsFraming

CLAIMS = Claims(
    fencing=False,  # an acknowledgement does not say whose it is
    bounded_deliveries=False,  # they are counted, and bounded by nobody
    dead_letters=False,
    priorities=False,
    idempotent_enqueue=False,
    idempotent_settle=False,
    skips_completed_keys=False,
    bounded_backlog=False,  # MAXLEN drops the oldest entries, whoever has them
    retries=False,  # there is no word for a failure
    delays=False,
    steady_time=False,  # it goes by the wall clock
    timeouts=False,
    backoff_after_expiry=False,
)


@dataclass(frozen=True)
class RedisStreams:
    """See :class:`...adapter.RemoteQueue` for the members."""

    name: str
    summary: str
    claims: Claims = CLAIMS
    careless: bool = False
    lease_s: float = 60.0
    violates: str | None = None
    worker: WorkerProgram = workers.worker

    @property
    def framing(self) -> Framing | None:
        return StreamsFraming()

    def leasing(self, lease_s: float) -> RedisStreams:
        return replace(self, lease_s=lease_s)

    def server(self, folder: Path, port: int) -> list[str] | None:
        return running.command("redis", folder, port, self.careless)

    def connect(self, address: str, timeout_s: float) -> Connection:
        from .connection import StreamsConnection  # which needs redis-py

        return StreamsConnection(address, timeout_s, self.lease_s)

    def preload(self) -> None:
        from . import connection  # noqa: F401

    def programs(self) -> Sequence[str]:
        return running.programs("redis")
