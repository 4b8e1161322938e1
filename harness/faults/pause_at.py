"""A worker stands still at a point of a job's life, and goes on as if nothing had been."""

from __future__ import annotations

from typing import ClassVar

from ..units import seconds
from .fault import PointFault, Strike
from .fields import At, JobIndex, Nth, Span


class PauseAt(PointFault, frozen=True, tag="pause_at"):
    """The worker that brings the job to ``point`` for the ``nth`` time is stopped, once.

    SIGSTOP, and ``for_s`` seconds later SIGCONT.
    """

    job: JobIndex
    point: At
    for_s: Span
    nth: Nth = 1

    label: ClassVar[str] = "worker pause"
    short: ClassVar[str] = "paused"
    rank: ClassVar[int] = 2

    @property
    def lasts_s(self) -> float:
        return self.for_s

    def sentence(self, strike: Strike) -> str:
        return f"{strike.who} was paused for {seconds(self.for_s)} {strike.when}"
