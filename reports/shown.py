"""Which jobs a picture of a run is about. It decides nothing else."""

from __future__ import annotations

from ..harness.history import Event
from ..harness.run import Run

MOST_JOBS = 3


def jobs_of(run: Run, most: int = MOST_JOBS) -> list[int]:
    """The wronged jobs, the worst first; in a held run, those that faults struck."""
    wronged = [finding.job for finding in run.result.findings if finding.job >= 0]
    struck = run.history["job"][run.history.where(Event.FAULT_STRUCK)]
    return list(dict.fromkeys(wronged or [int(job) for job in struck if job >= 0]))[:most]
