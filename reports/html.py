"""One self-contained HTML page for one run: verdict and story first, no scripts."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..backends.adapter import Claims
from ..harness.facts import Facts
from ..harness.history import Event, History
from ..harness.plan import Plan
from ..harness.plan_json import to_json
from ..harness.result import Result
from ..harness.shrink.failure import Failure
from .duplicates import LATE, table
from .exploration import likelihood
from .space_time import diagram

MOST_JOBS = 3
templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(
    result: Result,
    plan: Plan,
    claims: Claims,
    history: History,
    failure: Failure | None = None,
) -> str:
    """The page; every text in it is escaped, since payloads may be hostile.

    ``failure``: what is known of a shrunk failure that this run shows.
    """
    facts = Facts(plan, claims, history)
    jobs = _jobs_to_show(result, history)
    return templates.get_template("report.html").render(
        result=result,
        diagram=diagram(facts, jobs),
        jobs=jobs,
        failure=failure,
        likelihood=likelihood(failure) if failure else [],
        duplicates=table(result.duplicates),
        late=LATE,
        plan_json=to_json(plan).decode(),
        width=900,
        lane_height=44,
    )


def _jobs_to_show(result: Result, history: History) -> list[int]:
    """The wronged jobs; in a held run, those that faults struck."""
    wronged = [finding.job for finding in result.findings if finding.job >= 0]
    struck = [int(job) for job in history["job"][history.where(Event.FAULT_STRUCK)] if job >= 0]
    return list(dict.fromkeys(wronged or struck))[:MOST_JOBS]
