"""Holders and deliveries: one at a time, not too many, and what the holder says is done.

Each violation is planted in a legal run; the check must find it, and name its job.
"""

from __future__ import annotations

from functools import partial

from hypothesis import assume, given
from hypothesis import strategies as st
from jobquake.backends.adapter import Claims
from jobquake.harness.checks import CHECKS
from jobquake.harness.checks.holder_obeyed import WORDS
from jobquake.harness.faults.broker_crash import BrokerCrash
from jobquake.harness.record.facts import Facts
from jobquake.harness.record.history import History, row
from jobquake.protocol.events import Answer, Event
from support.legal import Legal
from support.planted import (
    EVERYTHING,
    blamed,
    end_of,
    judge,
    of,
    one_delivery,
    plan_of,
    planted,
    runs,
)


@planted
@given(runs)
def test_bounded_deliveries_rejects_one_more_than_allowed(run: Legal) -> None:
    leased = {r[7] for r in of(run, Event.LEASED)}
    assume(leased)
    job, end = min(leased), end_of(run)
    left = run.plan.max_deliveries - int(run.facts.deliveries[job])
    more = [
        row(end, Event.LEASED, since=end, node=0, job=job, token=100 + n, value=0.1)
        for n in range(left + 1)
    ]
    assert judge("bounded_deliveries", run, [*run.rows, *more[:left]]).verdict == "held"
    assert blamed(judge("bounded_deliveries", run, [*run.rows, *more])) == {job}


@planted
@given(runs)
def test_leases_exclusive_rejects_a_second_holder(run: Legal) -> None:
    held = next((h for h in run.held if h.until - h.since > 2), None)
    assume(held)
    assert held
    at_s = (held.since + held.until) / 2000
    other = row(
        at_s, Event.LEASED, since=at_s, node=held.node + 1, job=held.job, token=held.token + 1,
        value=run.plan.lease_s,
    )  # fmt: skip
    rows = sorted([*run.rows, other], key=lambda r: r[0])
    assert blamed(judge("leases_exclusive", run, rows)) == {held.job}


@planted
@given(runs)
def test_leases_exclusive_rejects_the_ack_of_a_zombie(run: Legal) -> None:
    leases = of(run, Event.LEASED)
    assume(leases)
    job, token, end = leases[0][7], leases[0][8], end_of(run)
    rows = [
        *run.rows,
        row(end + 50, Event.LEASED, since=end + 50, node=1, job=job, token=token + 50, value=1.0),
        row(end + 60, Event.ACK_ANSWERED, since=end + 59, answer=Answer.OK, job=job, token=token),
    ]
    assert blamed(judge("leases_exclusive", run, rows)) == {job}


@planted
@given(runs)
def test_leases_exclusive_rejects_the_heartbeat_of_a_zombie(run: Legal) -> None:
    leases = of(run, Event.LEASED)
    assume(leases)
    job, end = leases[0][7], end_of(run)
    token = max(r[8] for r in leases if r[7] == job)
    beat = row(
        end + 60, Event.EXTEND_ANSWERED, since=end + 59, answer=Answer.OK, job=job, token=token,
        value=1.0,
    )  # fmt: skip
    newer = row(
        end + 50, Event.LEASED, since=end + 50, node=1, job=job, token=token + 50, value=1.0
    )
    judged = judge("leases_exclusive", run, [*run.rows, newer, beat])
    assert blamed(judged) == {job}
    assert len(run.rows) + 1 in judged.findings[0].events, "it points at the heartbeat"
    assert "heartbeat" in judged.findings[0].sentence
    assert not blamed(judge("leases_exclusive", run, [*run.rows, beat])), "nobody else had it"


@planted
@given(runs)
def test_leases_exclusive_rejects_a_job_that_is_done_by_somebody_elses_ack(run: Legal) -> None:
    job = 0
    assume(run.plan.jobs[job].timeout_s > 0.5)
    done = row(end_of(run) + 1, Event.SETTLED, job=job)
    for after_s, answer, expected in (
        (0.4, Answer.FAILED, {job}),
        (0.4, Answer.OK, set()),
        (0.6, Answer.FAILED, set()),
    ):
        rows = one_delivery(run, job, Event.ACK_ANSWERED, after_s, answer)
        assert blamed(judge("leases_exclusive", run, [*rows, done])) == expected


@planted
@given(runs, st.sampled_from(list(WORDS)))
def test_holder_obeyed_rejects_the_refusal_of_a_holder_whose_lease_surely_lasts(
    run: Legal, said: Event
) -> None:
    job = 0
    assume(run.plan.jobs[job].timeout_s > 0.5)
    for after_s, answer, expected in (
        (0.4, Answer.FAILED, {job}),
        (0.6, Answer.FAILED, set()),
        (0.4, Answer.UNKNOWN, {job}),
        (0.6, Answer.UNKNOWN, set()),
    ):
        rows = one_delivery(run, job, said, after_s, answer)
        assert blamed(judge("holder_obeyed", run, rows)) == expected
    repeated = one_delivery(run, job, said, 0.4, Answer.UNKNOWN)
    facts = Facts(run.plan, Claims(idempotent_settle=False), History(repeated))
    assert not CHECKS["holder_obeyed"].judge(facts).findings


@planted
@given(runs)
def test_holder_obeyed_rejects_an_ack_that_changes_nothing(run: Legal) -> None:
    acks = of(run, Event.ACK_ANSWERED, Answer.OK)
    assume(acks)
    job, token, end = acks[0][7], acks[0][8], end_of(run)
    assume(
        not any(r[2] == Event.ENQUEUE_SENT and r[7] == job and r[0] > acks[0][1] for r in run.rows)
    )
    sent = {r[7] for r in of(run, Event.ENQUEUE_SENT)}
    assume(job in {r[7] for r in of(run, Event.ENQUEUE_ANSWERED) if r[0] < acks[0][1]} & sent)
    again = row(end + 1, Event.LEASED, since=end + 1, node=0, job=job, token=token + 50, value=1.0)
    assert blamed(judge("holder_obeyed", run, [*run.rows, again])) == {job}
    held = row(end + 1, Event.HELD, job=job)
    assert blamed(judge("holder_obeyed", run, [*run.rows, held])) == {job}


def test_leases_exclusive_rejects_a_word_that_was_first_sent_after_its_lease() -> None:
    def found(said_at: float, extended: Answer | None = None) -> set[int]:
        rows = [row(0.1, Event.LEASED, since=0.0, node=0, job=0, token=1, key=1, value=1.0)]
        if extended is not None:
            said = row(0.6, Event.EXTEND_ANSWERED, since=0.5, job=0, token=1, node=0, value=1.0)
            rows.append(said._replace(answer=extended))
        rows.append(row(said_at, Event.ACK_SENT, job=0, token=1, node=0))
        rows.append(row(said_at + 1, Event.ACK_ANSWERED, since=said_at, answer=Answer.OK, job=0,
                        token=1, node=0))  # fmt: skip
        facts = Facts(plan_of(1), EVERYTHING, History(rows))
        return {f.job for f in CHECKS["leases_exclusive"].answer(facts).findings}

    assert found(1.5) == set()
    assert found(1.7) == {0}
    assert found(1.7, Answer.OK) == set()
    assert found(2.2, Answer.OK) == {0}
    assert found(2.2) == {0} and found(2.2, Answer.NONE) == set(), "it may have been heard"


def test_an_ack_that_a_crash_forgot_is_excused_where_acks_need_not_outlive_one() -> None:
    def found(acked_at: float, claims: Claims) -> set[int]:
        of_job = partial(row, job=0, node=0, incarnation=1)
        rows = [
            of_job(0.0, Event.ENQUEUE_SENT),
            of_job(0.1, Event.ENQUEUE_ANSWERED, since=0.0, answer=Answer.OK, value=1.0),
            of_job(0.2, Event.LEASED, since=0.1, token=1, value=9.0),
            of_job(acked_at, Event.ACK_ANSWERED, since=acked_at, answer=Answer.OK, token=1),
            row(2.0, Event.FAULT_STRUCK, fault=0),
            of_job(5.0, Event.LEASED, since=4.5, token=2, value=9.0),
        ]
        plan = plan_of(1, faults=(BrokerCrash(2.0, 0.5),))
        in_time = History(sorted(rows, key=lambda r: r[0]))
        return blamed(CHECKS["holder_obeyed"].answer(Facts(plan, claims, in_time)))

    assert found(1.0, Claims()) == {0}
    assert found(1.0, Claims(durable_acks=False)) == set()
    assert found(3.0, Claims(durable_acks=False)) == {0}, "no crash came after it"
