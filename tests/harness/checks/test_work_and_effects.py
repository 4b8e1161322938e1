"""Work and effects: nothing is lost, repeated, made up or changed on its way.

Each violation is planted in a legal run; the check must find it, and name its job.
"""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st
from jobquake.backends.adapter import Claims
from jobquake.harness.checks import CHECKS
from jobquake.harness.plan.payload import payload
from jobquake.harness.plan.plan import PlannedJob, Pool
from jobquake.harness.record.facts import Facts
from jobquake.harness.record.history import History, row
from jobquake.protocol.events import Answer, Event
from jobquake.protocol.ledger import payload_hash
from msgspec.structs import replace
from support.legal import Legal
from support.planted import (
    EVERYTHING,
    a_job_with,
    blamed,
    end_of,
    judge,
    judged_rows,
    of,
    plan_of,
    planted,
    runs,
)


@planted
@given(runs)
def test_no_lost_work_rejects_a_job_of_which_nothing_is_left(run: Legal) -> None:
    accepted = {r[7] for r in of(run, Event.ENQUEUE_ANSWERED, Answer.OK)}
    assume(accepted)
    job = min(accepted)
    gone = (Event.EFFECT, Event.DEAD, Event.HELD)
    rows = [r for r in run.rows if not (r[7] == job and r[2] in gone)]
    assert blamed(judge("no_lost_work", run, rows)) == {job}


@planted
@given(runs)
def test_no_duplicated_effects_rejects_a_second_effect(run: Legal) -> None:
    job = a_job_with(run, "done")
    effect = next(r for r in of(run, Event.EFFECT) if r[7] == job)
    again = [*run.rows, row(end_of(run), Event.EFFECT, job=job, key=effect[10])]
    blind, keyed = replace(run.plan, sink="blind"), replace(run.plan, sink="keyed")
    assert job in blamed(judge("no_duplicated_effects", run, again, blind))
    assert judge("no_duplicated_effects", run, again, keyed).verdict == "held"
    other = [*run.rows, row(end_of(run), Event.EFFECT, job=job, key=effect[10] + 1)]
    assert blamed(judge("no_duplicated_effects", run, other, keyed)) == {job}


@planted
@given(runs)
def test_no_phantoms_rejects_a_job_that_nobody_enqueued(run: Legal) -> None:
    stranger = len(run.plan.jobs)
    rows = [*run.rows, row(end_of(run), Event.LEASED, since=0.0, node=0, job=stranger, token=1)]
    assert blamed(judge("no_phantoms", run, rows)) == {stranger}


@planted
@given(runs, st.integers(0, 12), st.booleans())
def test_payloads_intact_rejects_any_other_bytes_and_names_both_lengths(
    run: Legal, found: int, of_another: bool
) -> None:
    began = [r for r in of(run, Event.STARTED) if r[10]]
    assume(began)
    job = began[0][7]
    whole = run.plan.payload(job)
    given_it = payload("another job", len(whole)) if of_another else whole[:found]
    assume(given_it != whole)
    wrong = began[0]._replace(key=payload_hash(given_it), value=float(len(given_it)))
    rows = [wrong if r is began[0] else r for r in run.rows]
    judged = judge("payloads_intact", run, rows)
    assert blamed(judged) == {job}
    assert f"a payload of {len(whole)} bytes" in judged.findings[0].sentence


def test_payloads_intact_does_not_judge_a_system_that_shows_none() -> None:
    plan = replace(plan_of(1), jobs=(PlannedJob(0.0, 0, 0.1, payload_bytes=9),))
    began = [row(1.0, Event.STARTED, node=0, job=0, token=1)]
    assert judged_rows("payloads_intact", plan, began).verdict == "not judged"


@planted
@given(runs)
def test_queues_kept_rejects_a_job_in_the_hands_of_a_worker_of_another_queue(run: Legal) -> None:
    leases = of(run, Event.LEASED)
    assume(leases)
    elsewhere = replace(run.plan, pools=(Pool("q0", ("q0",), len(run.plan.workers)),))
    strangers = {r[7] for r in leases if run.plan.jobs[r[7]].queue == 1}
    assert blamed(judge("queues_kept", run, run.rows, elsewhere)) == strangers


@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 4))
def test_no_lost_work_counts_grants_that_may_have_been_under_way_at_the_deadline(
    limit: int, workers: int, seen: int
) -> None:
    plan = plan_of(1, max_deliveries=limit, pools=(Pool("p", ("q",), workers),))
    rows = [
        row(0.0, Event.ENQUEUE_SENT, job=0),
        row(0.0, Event.ENQUEUE_ANSWERED, since=0.0, answer=Answer.OK, job=0),
        *(row(1.0 + n, Event.LEASED, since=1.0, node=0, job=0, token=1 + n) for n in range(seen)),
    ]
    ends = {Event.QUIET: seen, Event.DEADLINE: seen + workers}
    for end, grants in ends.items():
        history, drops = History([*rows, row(9.0, end)]), Claims(dead_letters=False)
        judged = CHECKS["no_lost_work"].judge(Facts(plan, drops, history))
        assert blamed(judged) == (set() if grants >= limit else {0})
        keeps = CHECKS["no_lost_work"].judge(Facts(plan, EVERYTHING, history))
        assert blamed(keeps) == {0}, "whoever has dead letters has no excuse"
