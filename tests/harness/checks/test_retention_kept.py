"""Retention kept: what is done is known for as long as was claimed, and forgotten soon after."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jobquake.backends.adapter import Claims
from jobquake.harness.checks import CHECKS
from jobquake.harness.checks.retention_kept import HOUSEKEEPING, HOUSEKEEPING_S
from jobquake.harness.faults.net_fault import NetFault
from jobquake.harness.faults.skew_clock import SkewClock
from jobquake.harness.finding import Judged
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue
from jobquake.harness.record.facts import Facts
from jobquake.harness.record.history import History, Row, row
from jobquake.protocol.events import CREATED, REPEATED, Answer, Event
from msgspec.structs import replace

KEPT_S = 3600.0
FORGOTTEN_S = KEPT_S + max(HOUSEKEEPING_S, HOUSEKEEPING * KEPT_S)
DONE_S = 0.5
NET_S = 0.01
CLAIMS = Claims(retention_s=KEPT_S)
JOB = PlannedJob(0.0, 0, 0.1)
PLAN = Plan(
    scenario="retention",
    variant="default",
    seed=1,
    queues=(Queue("q"),),
    pools=(Pool("p", ("q",), 1),),
    jobs=(replace(JOB, again_after_s=KEPT_S),),
    faults=(),
    guarantees=(),
)
TWO = replace(PLAN, jobs=(JOB, replace(JOB, at_s=9.0, same_work_as=0)))


def enqueued(at_s: float, told: int, job: int = 0, attempts: float = 1.0) -> list[Row]:
    return [
        row(at_s, Event.ENQUEUE_SENT, node=1, job=job),
        row(at_s + NET_S, Event.ENQUEUE_ANSWERED, since=at_s, answer=Answer.OK, node=1, job=job,
            key=told, value=attempts),
    ]  # fmt: skip


def done(at_s: float, job: int = 0, answer: Answer = Answer.OK) -> list[Row]:
    """Handed out just before, and acked at that time."""
    return [
        row(at_s - 0.2, Event.LEASED, since=at_s - 0.3, node=0, job=job, token=1, key=1, value=9.0),
        row(at_s - NET_S, Event.ACK_SENT, node=0, job=job, token=1),
        row(at_s, Event.ACK_ANSWERED, since=at_s - NET_S, answer=answer, node=0, job=job, token=1),
    ]  # fmt: skip


def judge(rows: list[Row], claims: Claims = CLAIMS, plan: Plan = PLAN) -> Judged:
    in_time = sorted(rows, key=lambda r: r[0])
    return CHECKS["retention_kept"].answer(Facts(plan, claims, History(in_time)))


def verdict(later_s: float, told: int, attempts: float = 1.0) -> str:
    again = enqueued(DONE_S + later_s, told, attempts=attempts)
    rows = [*enqueued(0.0, CREATED), *done(DONE_S), *again]
    return judge(rows).verdict


@given(st.floats(1.0, 3 * KEPT_S))
def test_retention_kept_rejects_what_is_forgotten_early_and_what_is_known_for_ever(
    later_s: float,
) -> None:
    forgotten_early = later_s + 2 * NET_S < KEPT_S
    assert (verdict(later_s, CREATED) == "violated") == forgotten_early
    assert (verdict(later_s, REPEATED) == "violated") == (later_s > FORGOTTEN_S)


def test_a_story_names_both_times() -> None:
    rows = [*enqueued(0.0, CREATED), *done(DONE_S), *enqueued(2 * KEPT_S, REPEATED)]
    (finding,) = judge(rows).findings
    assert "was done at 0.50 s and enqueued again at 7200.00 s" in finding.sentence
    assert "remembered for 3600.00 s only" in finding.sentence


@pytest.mark.parametrize("later_s", [1.0, 3 * KEPT_S])
def test_an_enqueue_of_several_attempts_says_nothing(later_s: float) -> None:
    for told in (CREATED, REPEATED):
        assert verdict(later_s, told, attempts=2.0) == "inconclusive"


@pytest.mark.parametrize("told", [CREATED, REPEATED])
def test_a_job_that_was_not_surely_done_is_not_judged(told: int) -> None:
    handed_out = done(2.0)[:1]
    for rows in (done(DONE_S, answer=Answer.FAILED), [*done(DONE_S), *handed_out], []):
        later = [*enqueued(0.0, CREATED), *rows, *enqueued(3 * KEPT_S, told)]
        assert judge(later).verdict == "inconclusive"


def test_each_submission_begins_the_time_anew() -> None:
    rows = [*enqueued(0.0, CREATED), *done(DONE_S)]
    rows += [*enqueued(KEPT_S - 10.0, REPEATED), *enqueued(KEPT_S + 2000.0, REPEATED)]
    assert judge(rows).verdict == "held"


def test_where_nothing_is_claimed_or_the_time_is_wrong_nothing_is_judged() -> None:
    rows = [*enqueued(0.0, CREATED), *done(DONE_S), *enqueued(3 * KEPT_S, REPEATED)]
    assert judge(rows).verdict == "violated"
    assert judge(rows, Claims()).verdict == "not judged"
    assert judge(rows, replace(CLAIMS, idempotent_enqueue=False)).verdict == "not judged"
    skewed = replace(PLAN, faults=(SkewClock(0, 1.0, 60.0, 5.0),))
    assert judge(rows, plan=skewed).verdict == "inconclusive"


def test_an_enqueue_that_a_fault_doubled_says_nothing() -> None:
    struck = row(KEPT_S, Event.FAULT_STRUCK, node=1, job=0, fault=0)
    rows = [*enqueued(0.0, CREATED), *done(DONE_S), struck, *enqueued(3 * KEPT_S, REPEATED)]
    plan = replace(PLAN, faults=(NetFault("enqueue", 2, "duplicate"),))
    assert judge(rows, plan=plan).verdict == "inconclusive"


@given(st.floats(1.0, 3 * KEPT_S), st.booleans())
def test_a_key_is_forgotten_as_an_id_is(later_s: float, runs: bool) -> None:
    at_s = DONE_S + later_s
    rows = [*enqueued(0.0, CREATED), *done(DONE_S), *enqueued(at_s, CREATED, job=1)]
    rows += done(at_s + 1.0, job=1) if runs else []
    rows += [row(at_s + 2.0, Event.SETTLED, job=job) for job in (0, 1)]
    broken = judge(rows, plan=TWO).verdict == "violated"
    assert broken == (later_s > FORGOTTEN_S and not runs)
