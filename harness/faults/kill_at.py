"""A worker dies by SIGKILL at a point of a job's life."""

from __future__ import annotations

from typing import ClassVar

from .fault import PointFault, Strike
from .fields import At, JobIndex, Nth, Times


class KillAt(PointFault, frozen=True, tag="kill_at"):
    """The worker kills itself with SIGKILL at ``point``, ``times`` times in a row.

    The first to die is the one that brings the job there for the ``nth`` time.
    """

    job: JobIndex
    point: At
    times: Times = 1
    nth: Nth = 1

    label: ClassVar[str] = "worker kill"
    short: ClassVar[str] = "killed"
    ends_worker: ClassVar[bool] = True

    def sentence(self, strike: Strike) -> str:
        return f"{strike.who} was killed {strike.when}"
