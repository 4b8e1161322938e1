"""The record: a job and everything that the queue knows of it.

Plain data that stores keep and swap by version; what follows from it is decided in :mod:`.core`.
"""

from __future__ import annotations

from msgspec import Struct

from ...protocol.commands import Attempt, Job, State


class Record(Struct, frozen=True):
    """A job and everything the queue knows of it (times on the queue's clock, seconds).

    ``token`` is the fencing token of the newest delivery and only ever grows; it counts
    deliveries. ``forgiven`` are those that do not count against ``max_deliveries``
    (handed back, or before a replay). ``settled_token`` is the last token whose holder
    settled it, so that a repeated ack is known as a repetition.
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

    @property
    def deliveries_counted(self) -> int:
        return self.token - self.forgiven
