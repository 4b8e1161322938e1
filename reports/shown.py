"""Which jobs a picture of a run is about. It decides nothing else."""

from __future__ import annotations

from ..harness.finding import Finding
from ..harness.record.facts import Facts
from ..harness.record.history import Event
from ..harness.result import CheckResult, Result

MOST_JOBS = 3
NOBODY = Finding(-1, "")


def first_broken(result: Result) -> CheckResult | None:
    """The guarantee that the verdict is about; none, if the run held."""
    return next(
        (check for check in result.checks if check.verdict == result.verdict != "held"), None
    )


def finding_of(result: Result) -> Finding:
    """The one that the verdict is about."""
    broken = first_broken(result)
    return broken.findings[0] if broken and broken.findings else NOBODY


def jobs_of(facts: Facts, result: Result, most: int = MOST_JOBS) -> list[int]:
    """The wronged job and those that go with it; in a run without, those that faults struck.

    What goes with it: the same work under other names, the jobs that the finding points at, those
    of the other findings, those that met an error of the queue's server where nothing was
    proved, and the others of a run of few jobs.
    """
    history, finding = facts.history, finding_of(result)
    shown = [finding.job]
    if 0 <= finding.job < facts.jobs:
        shown += [job for job in range(facts.jobs) if facts.work[job] == facts.work[finding.job]]
    shown += history["job"][list(finding.events)].tolist()
    shown += [finding.job for finding in result.findings]
    if result.verdict == "inconclusive":
        shown += [trouble.job for trouble in result.troubles]
    if result.verdict != "held" and facts.jobs <= most:
        shown += range(facts.jobs)
    if all(job < 0 for job in shown):
        shown += history["job"][history.where(Event.FAULT_STRUCK)].tolist()
    return list(dict.fromkeys(int(job) for job in shown if job >= 0))[:most]
