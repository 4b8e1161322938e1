"""Waits and ends: nobody waits for ever, retries are spread, and all work comes to an end.

Each violation is planted in a legal run; the check must find it, and name its job.
"""

from __future__ import annotations

from functools import partial
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jobquake.harness.checks import CHECKS
from jobquake.harness.plan.plan import Queue
from jobquake.harness.record.facts import Facts
from jobquake.harness.record.history import History, row
from jobquake.protocol.commands import RetryPolicy
from jobquake.protocol.events import CREATED, REPEATED, Answer, Event
from msgspec.structs import replace
from support.legal import Legal
from support.planted import (
    EVERYTHING,
    blamed,
    failed_and_retried,
    judge,
    judged_rows,
    of,
    plan_of,
    planted,
    runs,
)


@planted
@given(runs)
def test_enqueues_accepted_rejects_the_refusal_of_a_legal_job(run: Legal) -> None:
    accepted = of(run, Event.ENQUEUE_ANSWERED, Answer.OK)
    assume(accepted)
    job = accepted[0][7]
    rows = [r._replace(answer=Answer.FAILED) if r == accepted[0] else r for r in run.rows]
    free = replace(run.plan, queues=tuple(replace(q, max_waiting=None) for q in run.plan.queues))
    legal = {r[7] for r in of(run, Event.ENQUEUE_ANSWERED, Answer.FAILED)}
    assert blamed(judge("enqueues_accepted", run, rows, free)) == {job} | legal
    roomy = replace(run.plan, queues=tuple(replace(q, max_waiting=99) for q in run.plan.queues))
    assert blamed(judge("enqueues_accepted", run, rows, roomy)) == {job} | legal
    tight = replace(run.plan, queues=tuple(replace(q, max_waiting=1) for q in run.plan.queues))
    alone = (
        sum(
            run.plan.jobs[r[7]].queue == run.plan.jobs[job].queue
            for r in of(run, Event.ENQUEUE_SENT)
        )
        == 1
    )
    assert (job in blamed(judge("enqueues_accepted", run, rows, tight))) or not alone


def test_enqueues_accepted_rejects_answers_that_call_a_new_job_held_or_a_held_one_new() -> None:
    def found(*answers: tuple[float, int, int], acked: bool = False) -> set[int]:
        rows = [row(0.0, Event.ACK_SENT, job=0, token=1)] * acked
        for at, key, attempts in answers:
            rows.append(row(at, Event.ENQUEUE_SENT, job=0))
            answered = row(at + 1, Event.ENQUEUE_ANSWERED, since=at, answer=Answer.OK, job=0)
            rows.append(answered._replace(key=key, value=float(attempts)))
        rows.sort(key=lambda r: r.t)
        facts = Facts(plan_of(1), EVERYTHING, History(rows))
        return {f.job for f in CHECKS["enqueues_accepted"].answer(facts).findings}

    assert found((0.0, CREATED, 1), (5.0, REPEATED, 1)) == set()
    assert found((0.0, REPEATED, 2)) == set(), "its first attempt may have been heard"
    assert found((0.0, REPEATED, 1)) == {0}
    assert found((0.0, CREATED, 1), (0.5, CREATED, 1)) == set(), "both were under way"
    assert found((0.0, CREATED, 1), (5.0, CREATED, 1)) == {0}
    assert found((0.0, REPEATED, 1), (0.5, CREATED, 1)) == set(), "the second one came first"
    assert found((0.0, CREATED, 1), (5.0, CREATED, 1), acked=True) == set(), "it may be forgotten"


@planted
@given(runs)
def test_no_starvation_rejects_a_job_that_waited_past_its_bound(run: Legal) -> None:
    accepted = of(run, Event.ENQUEUE_ANSWERED, Answer.OK)
    assume(accepted)
    job, bound_s = accepted[0][7], 600.0
    plan = replace(run.plan, queues=tuple(Queue(q.name, bound_s) for q in run.plan.queues))
    # Nobody else was accepted: the run grows so long that whoever still waits would be late.
    elsewhere = (Event.ENQUEUE_ANSWERED, Event.LEASED)
    rows = [r for r in run.rows if r[2] not in elsewhere or r == accepted[0]]
    for over_s, expected in ((-0.1, set()), (0.1, {job})):
        late = row(accepted[0][0] + bound_s + over_s, Event.LEASED, since=0.0, job=job, token=1)
        assert blamed(judge("no_starvation", run, [*rows, late], plan)) == expected


@planted
@given(runs)
def test_no_starvation_rejects_a_job_that_its_worker_took_in_time_and_laid_aside(
    run: Legal,
) -> None:
    accepted = of(run, Event.ENQUEUE_ANSWERED, Answer.OK)
    assume(accepted)
    job, at_s, bound_s = accepted[0][7], accepted[0][0], 600.0
    plan = replace(run.plan, queues=tuple(Queue(q.name, bound_s) for q in run.plan.queues))
    elsewhere = (Event.ENQUEUE_ANSWERED, Event.LEASED, Event.STARTED)
    rows = [r for r in run.rows if r[2] not in elsewhere or r == accepted[0]]
    begun = partial(row, event=Event.STARTED, job=job, node=7, incarnation=1)
    took = row(at_s + 1, Event.LEASED, since=0.0, job=job, token=1, node=7, incarnation=1)
    for over_s, expected in ((-0.1, set()), (0.1, {job})):
        began = begun(at_s + bound_s + over_s, token=1)
        assert blamed(judge("no_starvation", run, [*rows, took, began], plan)) == expected
    paused = row(at_s + 2, Event.FAULT_STRUCK, fault=0, node=7, incarnation=1, value=900.0)
    assert not blamed(judge("no_starvation", run, [*rows, took, paused, began], plan))
    second = begun(at_s + bound_s + 1, token=2)
    assert not blamed(judge("no_starvation", run, [*rows, took, second], plan))


@planted
@given(runs)
def test_progress_after_heal_rejects_work_that_is_left_at_the_deadline(run: Legal) -> None:
    accepted = of(run, Event.ENQUEUE_ANSWERED, Answer.OK)
    assume(accepted)
    job, deadline_s = accepted[0][7], run.plan.deadline_s
    assume(run.facts.healed_at < deadline_s)
    rows = [r for r in run.rows if r[2] not in (Event.QUIET, Event.DEADLINE)]
    rows += [row(deadline_s, Event.DEADLINE), row(deadline_s, Event.HELD, job=job)]
    assert blamed(judge("progress_after_heal", run, rows)) == {job}


@planted
@given(runs)
def test_timeouts_enforced_rejects_a_job_that_keeps_its_worker(run: Legal) -> None:
    node, timeout_s = len(run.plan.workers) + 5, run.plan.jobs[0].timeout_s
    begun = row(0.0, Event.STARTED, node=node, job=0, token=99)
    for ending in (Event.ACK_SENT, Event.HANDBACK_SENT, Event.FINISHED, Event.WORKER_EXITED):
        late, in_time = (row(timeout_s + s, ending, node=node, job=0) for s in (3.0, 1.0))
        assert 0 in blamed(judge("timeouts_enforced", run, [*run.rows, begun, late]))
        much_later = row(timeout_s + 60.0, Event.QUIET)
        assert judge("timeouts_enforced", run, [begun, in_time, much_later]).verdict == "held"


@given(st.integers(1, 60), st.integers(0, 59), st.floats(0.0, 0.99), st.integers(0, 2**32))
def test_backoff_respected_rejects_the_job_that_came_back_too_early(
    jobs: int, which: int, share: float, seed: int
) -> None:
    rng, victim = Random(seed), which % jobs
    plan = plan_of(jobs, retry=RetryPolicy(2.0, 2.0, 8.0, "equal"))
    delays_s = [rng.uniform(1.0, 2.0) for _ in range(jobs)]
    legal = judged_rows("backoff_respected", plan, failed_and_retried(jobs, delays_s))
    assert legal.verdict == "held"
    delays_s[victim] = share * 1.0
    early = judged_rows("backoff_respected", plan, failed_and_retried(jobs, delays_s))
    assert [finding.job for finding in early.findings] == [victim]


@given(st.integers(30, 120), st.floats(1.0, 2.0), st.integers(0, 2**32))
def test_retries_spread_rejects_a_crowd_and_accepts_what_chance_gathers(
    jobs: int, together_s: float, seed: int
) -> None:
    rng = Random(seed)
    plan = plan_of(jobs, retry=RetryPolicy(2.0, 2.0, 8.0, "equal"))
    spread = failed_and_retried(jobs, [rng.uniform(1.0, 2.0) for _ in range(jobs)])
    assert judged_rows("retries_spread", plan, spread).verdict == "held"
    crowd = judged_rows("retries_spread", plan, failed_and_retried(jobs, [together_s] * jobs))
    assert crowd.verdict == "violated"
    (finding,) = crowd.findings
    assert "lockstep" in finding.sentence
    assert len(set(finding.events)) == jobs, "it points at each retry of the crowd"


@pytest.mark.parametrize(("together", "verdict"), [(7, "held"), (9, "held"), (10, "violated")])
def test_retries_spread_calls_no_crowd_that_chance_gathers_once_in_a_thousand_runs(
    together: int, verdict: str
) -> None:
    """Of 14 retries, even over 4 s, 7 come within a quarter of a second in 88 of 100,000 runs."""
    plan = plan_of(14, retry=RetryPolicy(8.0, 2.0, 30.0, "equal"))
    delays_s = [6.0] * together + [4.0 + 0.28 * job for job in range(14 - together)]
    rows = failed_and_retried(14, delays_s)
    assert judged_rows("retries_spread", plan, rows).verdict == verdict


@pytest.mark.parametrize("longest_s", [0.0, 1e-9, 1e-6])
def test_retries_spread_expects_a_crowd_where_the_policy_has_no_backoff(longest_s: float) -> None:
    plan = plan_of(20, retry=RetryPolicy(longest_s, 2.0, longest_s, "full"))
    rows = failed_and_retried(20, [longest_s] * 20)
    assert judged_rows("retries_spread", plan, rows).verdict == "held"


@given(st.integers(1, 8), st.integers(1, 4), st.integers(0, 6))
def test_backlog_bounded_rejects_more_than_may_wait(limit: int, producers: int, over: int) -> None:
    waiting = limit + producers + over
    queues = (Queue("q", max_waiting=limit),)
    plan = plan_of(waiting, queues=queues, producers=producers)
    rows = []
    for job in range(waiting):
        rows += [
            row(0.1 * job, Event.ENQUEUE_SENT, job=job),
            row(0.1 * job, Event.ENQUEUE_ANSWERED, since=0.0, answer=Answer.OK, job=job),
        ]
    rows += [
        row(100.0 + job, Event.LEASED, since=100.0, node=0, job=job, token=1)
        for job in range(waiting)
    ]
    rows.sort(key=lambda r: r[0])
    judged = judged_rows("backlog_bounded", plan, rows)
    assert judged.verdict == ("violated" if over else "held")
    for finding in judged.findings:
        pointed = History(rows).rows[list(finding.events)]
        assert pointed["job"].tolist() == list(range(waiting)), "each job that waited"
        assert set(pointed["event"]) == {Event.ENQUEUE_ANSWERED}
