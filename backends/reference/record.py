"""The record: a job and everything that the queue knows of it.

Plain data that stores keep and swap by version; what follows from it is decided in :mod:`.core`.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from ...protocol.commands import Attempt, Job, State


class Record(Struct, frozen=True):
    """A job and everything the queue knows of it (times on the queue's clock, seconds).

    ``token`` is the fencing token of the newest delivery and only ever grows; it counts
    deliveries. ``forgiven`` are those that do not count against ``max_deliveries``
    (handed back, or before a replay). ``settled_token`` is the last token whose holder
    settled it, so that a repeated ack is known as a repetition. ``remains`` are the bytes of
    a record that could not be read: see :func:`stand_in`.
    """

    job: Job
    state: State
    enqueued_at: float
    ready_at: float
    sequence: int = 0
    version: int = 0
    token: int = 0
    settled_token: int = 0
    forgiven: int = 0
    worker: str = ""
    started_at: float = 0.0
    lease_until: float = 0.0
    backoff_s: float = 0.0
    ended_at: float = 0.0
    reason: str = ""
    attempts: tuple[Attempt, ...] = ()
    remains: bytes = b""

    @property
    def deliveries_counted(self) -> int:
        return self.token - self.forgiven


UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError)


class Outline(Struct, frozen=True):
    """What a store knows of a record without reading it."""

    job_id: str
    queue: str
    priority: int
    state: State
    due: float
    enqueued_at: float
    version: int
    sequence: int


def stand_in(known: Outline, remains: bytes, error: Exception) -> Record:
    """In the place of a record that cannot be read: its outline, its bytes, and why."""
    return Record(
        Job(known.job_id, known.queue, priority=known.priority),
        known.state,
        known.enqueued_at,
        known.due if known.state == "ready" else known.enqueued_at,
        known.sequence,
        known.version,
        lease_until=known.due if known.state == "leased" else 0.0,
        ended_at=known.due if known.state in ("done", "dead") else 0.0,
        reason=str(error),
        remains=remains,
    )
