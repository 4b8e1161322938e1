"""Violations that are planted in legal runs by the fewest rows that make them.

Legal runs come from the model in ``legal.py``. A check must find what was planted and name its job.
"""

from __future__ import annotations

from functools import partial

from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from jobquake.backends.adapter import Claims
from jobquake.harness.checks import CHECKS
from jobquake.harness.finding import Judged
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue
from jobquake.harness.record.facts import Facts
from jobquake.harness.record.history import History, Row, row
from jobquake.protocol.events import Answer, Event
from msgspec.structs import replace

from support.legal import Legal, legal_runs

EVERYTHING = Claims()


properties = settings(max_examples=200, suppress_health_check=list(HealthCheck))


planted = settings(properties, max_examples=50)


runs = legal_runs(st.just(EVERYTHING))


def judge(name: str, run: Legal, rows: list[Row], plan: Plan | None = None) -> Judged:
    return CHECKS[name].judge(Facts(plan or run.plan, run.claims, History(rows)))


def blamed(judged: Judged) -> set[int]:
    """The jobs that a violation is told of; nobody if it was not called one."""
    return {finding.job for finding in judged.findings} if judged.verdict == "violated" else set()


def of(run: Legal, event: Event, answer: Answer | None = None) -> list[Row]:
    return [r for r in run.rows if r[2] == event and answer in (None, r[3]) and r[7] >= 0]


def end_of(run: Legal) -> float:
    return max(r[0] for r in run.rows)


def a_job_with(run: Legal, fate: str) -> int:
    found = [job for job, told in enumerate(run.fates) if told == fate]
    assume(found)
    return found[0]


def one_delivery(run: Legal, job: int, said: Event, after_s: float, answer: Answer) -> list[Row]:
    """Instead of what happened to the job: a lease of half a second, and a word of its holder."""
    end = end_of(run)
    who = partial(row, job=job, token=900, node=7, incarnation=1)
    kept = [r for r in run.rows if r[7] != job or r[2] < Event.LEASED]
    at_s = end + after_s
    return [
        *kept,
        who(end, Event.LEASED, since=end, value=0.5),
        *([who(at_s, Event.ACK_SENT)] if said == Event.ACK_ANSWERED else []),
        who(at_s, said, since=at_s, answer=answer),
    ]


def plan_of(jobs: int, **changes: object) -> Plan:
    standard = Plan(
        scenario="planted",
        variant="default",
        seed=0,
        queues=(Queue("q", max_waiting=3),),
        pools=(Pool("p", ("q",), 4),),
        jobs=tuple(PlannedJob(0.0, 0, 0.01) for _ in range(jobs)),
        faults=(),
        guarantees=(),
        producers=1,
    )
    return replace(standard, **changes)


def judged_rows(name: str, plan: Plan, rows: list[Row]) -> Judged:
    return CHECKS[name].judge(Facts(plan, EVERYTHING, History(rows)))


def failed_and_retried(jobs: int, delays_s: list[float]) -> list[Row]:
    """All jobs fail within a moment; each comes back after its delay."""
    rows = []
    for job, delay_s in zip(range(jobs), delays_s, strict=True):
        at_s = 0.001 * job
        rows += [
            row(0.0, Event.LEASED, since=0.0, node=0, job=job, token=1),
            row(at_s, Event.NACK_ANSWERED, since=at_s, answer=Answer.OK, node=0, job=job, token=1),
            row(at_s + delay_s, Event.LEASED, since=at_s, node=0, job=job, token=2),
        ]
    return rows
