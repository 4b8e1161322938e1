"""The process that runs a job dies by SIGKILL; the worker that it belongs to lives on.

A pool of processes loses a child to the out-of-memory killer, to a crash in a C library. Its
parent sees the death and says what becomes of the job: it is failed, or handed out again, or,
if it was acknowledged before it ran, nothing at all. A worker of one process dies as a whole.
"""

from __future__ import annotations

from typing import ClassVar

from .fault import Draws, PointFault, Strike
from .fields import At, JobIndex, Nth, Times


class KillProcessAt(PointFault, frozen=True, tag="kill_process_at"):
    """The process that runs the job kills itself at ``point``, ``times`` times in a row.

    The first to die is the one that brings the job there for the ``nth`` time.
    """

    job: JobIndex
    point: At
    times: Times = 1
    nth: Nth = 1

    label: ClassVar[str] = "process kill"
    short: ClassVar[str] = "child killed"
    ends_worker: ClassVar[bool] = True
    ends_process_only: ClassVar[bool] = True

    @classmethod
    def draws(cls) -> Draws:
        return {}  # whoever is simulated is one process, and that is KillAt

    def sentence(self, strike: Strike) -> str:
        return f"the process of {strike.who} that ran it was killed {strike.when}"
