"""Checks: they accept every legal history, and each names the job that breaks its promise.

Legal runs come from the model in ``legal.py``. A violation is planted in one by the fewest rows
that make it; the check must find it, and name its job.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jobquake.backends.adapter import Claims
from jobquake.harness.checks import CHECKS
from jobquake.harness.checks.holder_obeyed import WORDS
from jobquake.harness.faults.flood import Flood
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.finding import Judged
from jobquake.harness.plan.payload import payload
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue
from jobquake.harness.plan.senseless import NAMES
from jobquake.harness.record.facts import Facts
from jobquake.harness.record.history import History, Row, row
from jobquake.harness.sight import hidden
from jobquake.protocol.commands import RetryPolicy
from jobquake.protocol.events import CREATED, REPEATED, Answer, Event, Phase
from jobquake.protocol.ledger import payload_hash
from msgspec.structs import replace
from support.legal import Legal, all_claims, legal_runs

UNJUDGED: dict[str, str | tuple[str, ...]] = {
    "no_lost_work": "no job was accepted, so none could be lost",
    "no_duplicated_effects": "no effect was applied, so none could be repeated",
    "no_starvation": "no job with a bounded wait was accepted",
    "payloads_intact": "no job with a payload began to run",
    "queues_kept": "no job was handed out",
    "progress_after_heal": "the last fault would be over",
    "backoff_respected": "nothing was retried",
    "deliveries_used": "no job was delivered, and none was given up",
    "tokens_grow": "no job was delivered more than once",
    "delays_respected": "no job with a delay was handed out",
    "ready_jobs_handed_out": "of no job it is certain that it waited",
    "priorities_respected": "no worker was handed jobs of several priorities",
    "order_kept": "of no queue were several jobs handed out",
    "replays_obeyed": "nothing was replayed",
    "dead_letters_listed": "nothing lay in the dead letters",
    "retries_spread": "too little was retried to see a crowd",
    "permanent_failures": "no job failed for good",
    "dead_letters_explained": "nothing lay in the dead letters",
    "timeouts_enforced": "no job began to run",
    "holder_obeyed": "no holder said anything that was answered",
    "enqueues_accepted": "no enqueue was answered",
    "senseless_refused": "nobody said what makes no sense",
    "backlog_bounded": ("no queue has a limit", "no queue was ever full"),
}
EVERYTHING = Claims()
properties = settings(max_examples=200, suppress_health_check=list(HealthCheck))
planted = settings(properties, max_examples=50)


@properties
@given(legal_runs(all_claims))
def test_every_check_accepts_every_legal_history(run: Legal) -> None:
    for name, check in CHECKS.items():
        judged = check.answer(run.facts)
        if judged.verdict == "not judged":
            assert judged.note.endswith("not claimed"), (name, judged)
        elif judged.verdict == "inconclusive":
            assert judged.note.startswith(UNJUDGED[name])
        else:
            assert judged.verdict == "held", (name, judged)
        assert not judged.findings


@properties
@given(legal_runs(all_claims))
def test_every_outcome_is_the_one_that_the_model_knows(run: Legal) -> None:
    facts = run.facts
    assert [facts.outcome(job) for job in range(facts.jobs)] == run.fates


# -- planted in legal runs ----------------------------------------------------------------

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


@pytest.mark.parametrize(
    ("name", "lacking"),
    [("a job with a delay below 0 s", "delays"), ("the ack without a delivery", "fencing")],
)
def test_senseless_refused_rejects_what_was_accepted_unless_nothing_is_claimed_of_it(
    name: str, lacking: str
) -> None:
    def answer(taken: Answer, claims: Claims = EVERYTHING) -> Judged:
        said = row(1.0, Event.SENSELESS_ANSWERED, since=0.9, answer=taken, key=NAMES.index(name))
        return CHECKS["senseless_refused"].answer(Facts(plan_of(1), claims, History([said])))

    assert answer(Answer.FAILED).verdict == "held"
    assert [f.sentence for f in answer(Answer.OK).findings] == [f"{name} was accepted at 1.00 s"]
    assert answer(Answer.OK, replace(EVERYTHING, **{lacking: False})).verdict == "inconclusive"


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
def test_permanent_failures_rejects_a_retry_of_what_failed_for_good(run: Legal) -> None:
    leases = of(run, Event.LEASED)
    assume(leases)
    job, end = leases[0][7], end_of(run)
    held = row(end, Event.LEASED, since=end, node=0, job=job, token=98)
    failed = row(
        end, Event.NACK_ANSWERED, since=end, answer=Answer.OK, node=0, job=job, token=98, value=1.0
    )
    again = row(end + 1, Event.LEASED, since=end, job=job, token=99)
    late = row(end + 1, Event.LEASED, since=end - 9, job=job, token=97)
    before, after = (row(end + s, Event.REPLAY_SENT, job=job) for s in (-0.5, 0.5))
    rest = [r for r in run.rows if r[2] != Event.NACK_ANSWERED]
    for rows in ([held, failed, again], [before, held, failed, again]):
        assert blamed(judge("permanent_failures", run, [*rest, *rows])) == {job}
    for rows in ([held, failed, after, again], [held, failed, late]):  # operator; older grant
        assert judge("permanent_failures", run, [*rest, *rows]).verdict == "held"


@planted
@given(runs)
def test_dead_letters_explained_rejects_one_without_its_reason(run: Legal) -> None:
    assume(run.plan.jobs)
    rows = [*run.rows, row(end_of(run), Event.DEAD, job=0, answer=Answer.FAILED)]
    assert blamed(judge("dead_letters_explained", run, rows)) == {0}


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


@planted
@given(runs)
def test_faults_hit_says_that_nothing_was_proved_if_a_cell_stays_empty(run: Legal) -> None:
    plan = replace(run.plan, must_hit=(("worker kill", "after ack"),), faults=())
    rows = [r for r in run.rows if r[2] != Event.FAULT_STRUCK]
    judged = judge("faults_hit", run, rows, plan)
    assert judged.verdict == "inconclusive"
    assert "worker kill" in judged.findings[0].sentence


# -- made from drawn numbers --------------------------------------------------------------


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


# -- claims -------------------------------------------------------------------------------

UNCLAIMED = {
    "bounded_deliveries": Claims(bounded_deliveries=False),
    "dead_letters_explained": Claims(dead_letters=False),
    "leases_exclusive": Claims(fencing=False),
    "no_lost_work": Claims(delivery="at-most-once"),
}


@pytest.mark.parametrize("name", UNCLAIMED)
def test_a_check_judges_no_more_than_the_backend_claims(name: str) -> None:
    plan = plan_of(1, max_deliveries=1, faults=(KillAt(0, "mid_job"), Flood(0.0)))
    rows = [
        row(0.0, Event.ENQUEUE_SENT, job=0),
        row(0.0, Event.ENQUEUE_ANSWERED, since=0.0, answer=Answer.OK, job=0),
        *(row(1.0 + n, Event.LEASED, since=1.0, node=0, job=0, token=n) for n in (1, 2)),
        row(3.0, Event.FAULT_STRUCK, job=0, fault=0, phase=Phase.RUNNING),
    ]
    if name == "dead_letters_explained":
        rows.append(row(4.0, Event.DEAD, job=0, answer=Answer.FAILED))
    if name == "leases_exclusive":
        rows.append(row(5.0, Event.ACK_ANSWERED, since=4.0, answer=Answer.OK, job=0, token=1))
    history = History(rows)
    assert CHECKS[name].answer(Facts(plan, EVERYTHING, history)).verdict == "violated"
    without = "held" if name == "leases_exclusive" else "not judged"  # fencing is but a part of it
    assert CHECKS[name].answer(Facts(plan, UNCLAIMED[name], history)).verdict == without


def test_every_check_has_a_test_in_which_it_fails() -> None:
    files = "".join(file.read_text() for file in Path(__file__).parent.glob("test_*.py"))
    assert [name for name in CHECKS if f"def test_{name}_" not in files] == []


def test_whatever_a_check_needs_to_see_has_a_word_for_its_lack() -> None:
    for check in CHECKS.values():
        assert not check.needs or hidden(check.needs, frozenset())
