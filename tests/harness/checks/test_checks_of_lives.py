"""The checks that follow jobs from delivery to delivery: each accepts what may be, and names the
job where it cannot be.

Histories of few rows, made from drawn numbers: on both sides of what each check promises.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jobquake import assert_holds, backend, decode, run
from jobquake.backends.adapter import Claims
from jobquake.harness.checks import CHECKS
from jobquake.harness.checks.dead_letters_listed import KEPT
from jobquake.harness.finding import Judged
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue, ReplayDead
from jobquake.harness.record.facts import Facts
from jobquake.harness.record.history import History, Row, row
from jobquake.harness.spec.vain import PROMPT_S
from jobquake.protocol.commands import Jitter, RetryPolicy
from jobquake.protocol.events import Answer, Event
from msgspec.structs import replace
from support.legal import Legal, legal_runs

REFERENCE = backend("reference")
FOR_GOOD = {"failed": 0.0, "permanent": 1.0}
planted = settings(max_examples=40, suppress_health_check=list(HealthCheck))


def plan_of(*jobs: PlannedJob, **changes: object) -> Plan:
    standard = Plan(
        scenario="lives",
        variant="default",
        seed=0,
        queues=(Queue("q"),),
        pools=(Pool("p", ("q",), 2),),
        jobs=jobs or (PlannedJob(0.0, 0, 0.01),),
        faults=(),
        guarantees=(),
        producers=1,
        retry=RetryPolicy(0.1, 2.0, 1.0, "none"),
    )
    return replace(standard, **changes)


def judge(name: str, plan: Plan, rows: list[Row], claims: Claims = Claims()) -> Judged:  # noqa: B008
    in_time = sorted(rows, key=lambda r: r[0])
    return CHECKS[name].answer(Facts(plan, claims, History(in_time)))


def blamed(judged: Judged) -> set[int]:
    return {finding.job for finding in judged.findings} if judged.verdict == "violated" else set()


# -- what happens -------------------------------------------------------------------------


def came(at_s: float = 0.0, job: int = 0) -> list[Row]:
    """The job was enqueued, and at once accepted."""
    return [
        row(at_s, Event.ENQUEUE_SENT, node=2, job=job),
        row(at_s, Event.ENQUEUE_ANSWERED, since=at_s, answer=Answer.OK, node=2, job=job),
    ]


def lease(at_s: float, token: int, *, since: float | None = None, **more: int) -> Row:
    asked_at = at_s if since is None else since
    who: dict[str, Any] = {"node": 0, "incarnation": 1, "job": 0, "key": token} | more
    return row(at_s, Event.LEASED, since=asked_at, token=token, value=1.0, **who)


def ended(at_s: float, token: int, how: str, node: int = 0, job: int = 0) -> list[Row]:
    """The worker says how its delivery ended, and the queue takes note of it."""
    released = how == "released"
    event = Event.RELEASE_ANSWERED if released else Event.NACK_ANSWERED
    who: dict[str, Any] = {"node": node, "incarnation": 1, "job": job, "token": token}
    return [
        row(at_s, Event.HANDBACK_SENT, value=float(released), **who),
        row(at_s, event, since=at_s, answer=Answer.OK, value=FOR_GOOD.get(how, 0.0), **who),
        row(at_s, Event.FINISHED, **who),
        left(at_s, node),
    ]


def acked(at_s: float, token: int, job: int = 0) -> list[Row]:
    who: dict[str, Any] = {"node": 0, "incarnation": 1, "job": job, "token": token}
    return [
        row(at_s, Event.ACK_SENT, **who),
        row(at_s, Event.ACK_ANSWERED, since=at_s, answer=Answer.OK, **who),
    ]


def left(at_s: float, node: int = 0) -> Row:
    """The worker ended when it was told to, so no answer to it is under way."""
    return row(at_s, Event.WORKER_EXITED, node=node, incarnation=1)


def life(*endings: str) -> list[Row]:
    """One delivery a second: each fails, fails for good, is handed back, or its worker dies."""
    rows = came()
    for number, how in enumerate(endings, 1):
        rows.append(lease(float(number), number))
        if how == "crashed":
            rows.append(row(number + 0.5, Event.WORKER_EXITED, node=0, incarnation=1, value=-9.0))
        else:
            rows += ended(number + 0.5, number, how)
    return rows


def nothing(at_s: float, since: float, answer: Answer = Answer.OK, node: int = 1) -> Row:
    return row(at_s, Event.NOTHING_TO_DO, since=since, answer=answer, node=node, incarnation=1)


def dead(at_s: float = 90.0, attempts: int = 0, own: int = 0, **more: object) -> list[Row]:
    """At the end the job lies in the dead letters, and in their list."""
    listed = row(at_s, Event.DEAD_LISTED, job=0, answer=Answer.OK, value=float(attempts), key=own)
    seen = row(at_s, Event.DEAD_LISTED, answer=Answer.OK, value=1.0)
    return [row(at_s, Event.DEAD, job=0, answer=Answer.OK), seen, listed]


# -- jobs that come again after they were forgotten ---------------------------------------

DAYS_LATER_S = 120_000.0


@pytest.mark.parametrize("again_s", [0.06, 0.1, 0.2])
def test_a_job_that_was_forgotten_and_comes_again_is_counted_anew(again_s: float) -> None:
    plan = plan_of(
        PlannedJob(0.0, 0, 0.01, again_after_s=DAYS_LATER_S),
        retry=RetryPolicy(0.1, 2.0, 1.0, "equal"),
    )
    failed_at = DAYS_LATER_S + 1.5
    rows = [*life("failed", "failed", "failed")[:-1], lease(9.0, 4), *acked(9.1, 4)]
    rows += [
        *came(DAYS_LATER_S),
        lease(DAYS_LATER_S + 1.0, 1),
        *ended(failed_at, 1, "failed")[:-1],
        lease(failed_at + again_s, 2),
    ]
    assert judge("backoff_respected", plan, rows).verdict == "held"
    at_once = [*rows[:-1], lease(failed_at + 0.01, 2)]
    assert blamed(judge("backoff_respected", plan, at_once)) == {0}


# A worker that was refused under token 1 is given token 1 again, five days later.
TOKEN_OF_TWO_LIVES = (
    "jq1:eNp9U-2O4yAMfBd-c1W-mmufpYoQTUzLlWAWyO727c8mTburPZ2qNGCPZ8bgnEQEAxH8CEKKZGch"
    "TwI-g8PIgRl9vgp57A_1774_dPJ0Em-VkH5xrvwNA4e0c1xHmUHWJVTtKkm_XbWXAm-C1ka7BPRuS4oT"
    "v-otuNuvjJUUxEDFTfOsDhBn7cHnHyTN_thUFa-eTE9fL6qq_Z-Rtv9OUDMjR14kpUMPpC8c6ETH0tEK"
    "E6gIbwskNkYFPeEeMD2SUPMvUDMUFCpKZfWBkYC8nZbg7KgzTAqMgTGnTS0p-Bzdkux7uSDwCRykRLRm"
    "STCt5eGqfcaZi4K-O9RTUtZnPbIbkicD6gaBd2dc_EQyEziijBa46LVRD9IrugmiwjPcyz7jjaTVJeIH"
    "7cA_SPU4Em1BRMh0SRb9phQiXiJb1SYT1RW0W6X0ne2nQG1uDaSs47vm6sKkp7v6g-ekqC82i8tKaDHa"
    "zC6_lmNkp1t7dPZozDcAOSutpcDM4stIKaOtW2I5gwihOHu2PBFYOchkni-Bstb_TDibVpVsZyCfBPUG"
    "41hi7MbhRT0OnQdykOK2CvDU992hWr-Hmp5Wtt2xbeuOM-UzkA0PDT3C0DxSPYErGuUyz3VhK4M1DH8B"
    "8dI4CW_F2y8"
)
# All its deliveries were used in the first life, and one in the next.
DELIVERIES_OF_TWO_LIVES = (
    "jq1:eNp9Utlu4zAM_Bc9q4GPpMe3BIag2HSiNS06ktw2f7-k5GRbdNGHHBySwyE1RxVghAC-B6VVdLPS"
    "RwWfC1IQYCafLkq_tY0-HtW1UtqviPmr6wSyiNLBmU43Gap2ba0rXe2qg1YLhNl68EkxNFqMwL8t53Rz"
    "eGuqSv491VtmXxUgj6i0YsqjxHcymn6wtN8I6uY_DA_wF5qSLtBjwUKQt5wcorG8RK2VHRMEA-MIPQMH"
    "XUuJ8mSQYjIfFJhewmFd0PU2wbAVR8YRbIRo4LPHNbr3fHPwERBiNPwSa4ShtC8X6xPN0rTYG5IdonE-"
    "WRmqriusTDPBItGJVj_wmAGQKYMDafoXmI30QjiwcjrBLceJJh5tzoE-OAK_kdq-Z9pcESDx0zny90lL"
    "oHMQqeUIF7BYRtmbyI8Lr3lfICYb3q10ZyY73MwfOkXDe4lYWguho-CSqPzaTkGU3tez_UTj-K2AleXV"
    "4iLM6ovRzGgdriHfIMCSlT1WHrjYICQWL4_AWed_JtDFMiW5GVgnl_qRQp8xUYN0NtvRxWGdVlMZULOP"
    "nvev2W519lWrm9d9_dK-7Pb6Odv5oBuxP38UXFc-YCf2q4s5m8ymJOi6v3XcKx4mHxo9"
)


@pytest.mark.parametrize("replay", [TOKEN_OF_TWO_LIVES, DELIVERIES_OF_TWO_LIVES])
def test_each_life_of_a_job_is_judged_by_itself(replay: str) -> None:
    assert run(decode(replay).plan, REFERENCE, "sim").result.verdict != "violated"


@pytest.mark.parametrize("forgotten", [True, False])
def test_the_backoff_of_a_new_life_begins_anew(forgotten: bool) -> None:
    """Its work was done by another job of the same key, and forgotten, before it came again."""
    plan = plan_of(
        PlannedJob(0.0, 0, 0.01, "fail", 1, again_after_s=50.0),
        PlannedJob(0.5, 0, 0.01, same_work_as=0),
    )
    done = [lease(2.0, 1, job=1), *acked(2.5, 1, job=1)]
    first = [*came(), lease(1.0, 1), *ended(1.5, 1, "failed"), *came(0.5, job=1), *done]
    later = [*came(50.0), lease(51.0, 1), *ended(51.5, 1, "failed"), lease(51.6, 2)]
    claims = Claims(retention_s=10.0 if forgotten else 100.0)
    early = blamed(judge("backoff_respected", plan, [*first, *later], claims))
    assert early == (set() if forgotten else {0})


@pytest.mark.parametrize("word", [Event.ACK_SENT, Event.HANDBACK_SENT])
def test_a_job_whose_ack_was_not_answered_is_not_said_to_wait(word: Event) -> None:
    """It fails once: what its second worker sent was an ack, and may have been taken."""
    plan = plan_of(PlannedJob(0.0, 0, 0.01, "fail", 1, again_after_s=DAYS_LATER_S))
    who: dict[str, Any] = {"node": 0, "incarnation": 1, "job": 0, "token": 2}
    second = [lease(3.0, 2), row(3.1, word, **who), row(4.0, Event.FINISHED, **who), left(4.0)]
    told = [nothing(at + 0.1, at) for at in (100.0, 200.0)]  # the first sees the lease end
    again = [*came(DAYS_LATER_S), lease(DAYS_LATER_S + 1.0, 1, node=1)]
    rows = [*came(), lease(1.0, 1), *ended(1.5, 1, "failed")[:-1], *second, *told, *again]
    waited = blamed(judge("ready_jobs_handed_out", plan, rows))
    assert waited == ({0} if word == Event.HANDBACK_SENT else set())


def test_a_queue_that_says_nothing_of_its_memory_is_held_to_an_hour() -> None:
    plan = plan_of(PlannedJob(0.0, 0, 0.01, again_after_s=50.0), max_deliveries=1)
    rows = [*came(), lease(1.0, 1), *acked(1.5, 1)]
    for later_s, told in ((50.0, {0}), (3700.0, set())):
        again = [*rows, *came(later_s), lease(later_s + 1.0, 2)]
        assert blamed(judge("bounded_deliveries", plan, again)) == told
    claims = Claims(retention_s=10.0)
    again = [*rows, *came(50.0), lease(51.0, 2)]
    assert not blamed(judge("bounded_deliveries", plan, again, claims))


# -- tokens -------------------------------------------------------------------------------


@planted
@given(legal_runs(st.just(Claims())), st.integers(0, 5))
def test_tokens_grow_rejects_a_token_that_was_given_before(run: Legal, more: int) -> None:
    leases = [r for r in run.rows if r[2] == Event.LEASED]
    assume(leases)
    job, end = leases[-1][7], max(r[0] for r in run.rows)
    highest = max(r[8] for r in leases if r[7] == job)
    later = lease(end + 1, highest + more, job=job, node=1)
    facts = Facts(run.plan, run.claims, History([*run.rows, later]))
    assert blamed(CHECKS["tokens_grow"].judge(facts)) == (set() if more else {job})


@given(st.integers(1, 9), st.integers(1, 9), st.booleans())
def test_tokens_grow_rejects_a_lower_token_only_where_the_order_is_certain(
    first: int, second: int, overlapping: bool
) -> None:
    asked_at = 0.5 if overlapping else 1.5
    rows = [*came(), lease(1.0, first), lease(2.0, second, since=asked_at, node=1)]
    wrong = second == first or (second < first and not overlapping)
    assert blamed(judge("tokens_grow", plan_of(), rows)) == ({0} if wrong else set())
    unfenced = judge("tokens_grow", plan_of(), rows, Claims(fencing=False))
    assert unfenced.verdict == "not judged"


# -- deliveries ---------------------------------------------------------------------------

ENDINGS = st.lists(st.sampled_from(("failed", "crashed", "released")), max_size=6)


@given(ENDINGS, st.integers(1, 6))
def test_deliveries_used_rejects_a_job_that_was_given_up_before_its_time(
    endings: list[str], limit: int
) -> None:
    counted = sum(how != "released" for how in endings)
    plan = plan_of(max_deliveries=limit)
    rows = [*life(*endings), *dead()]
    assert blamed(judge("deliveries_used", plan, rows)) == ({0} if counted < limit else set())
    assert not blamed(judge("deliveries_used", plan, [*life(*endings, "permanent"), *dead()]))


@given(st.integers(0, 4), st.integers(0, 4))
def test_deliveries_used_counts_what_may_have_gone_astray(seen: int, unanswered: int) -> None:
    plan = plan_of(max_deliveries=4)
    asked = [nothing(20.0 + n, 19.5 + n, Answer.UNKNOWN) for n in range(unanswered)]
    rows = [*life(*["failed"] * seen), *asked, left(30.0, node=1), *dead()]
    enough = seen + unanswered >= 4
    assert blamed(judge("deliveries_used", plan, rows)) == (set() if enough else {0})


@pytest.mark.parametrize("used", [0, 1, 2])
def test_deliveries_used_counts_anew_after_a_replay(used: int) -> None:
    again = [
        row(10.0, Event.REPLAY_SENT, node=3, job=0),
        row(10.0, Event.REPLAY_ANSWERED, since=10.0, answer=Answer.OK, node=3, job=0),
    ]
    for number in range(3, 3 + used):
        again += [lease(10.0 + number, number), *ended(10.5 + number, number, "failed")]
    rows = [*life("failed", "failed"), *again, *dead()]
    judged = judge("deliveries_used", plan_of(max_deliveries=2), rows)
    assert blamed(judged) == (set() if used == 2 else {0})


@given(st.integers(0, 6), st.integers(0, 2))
def test_deliveries_used_rejects_a_number_that_cannot_be(number: int, unanswered: int) -> None:
    asked = [nothing(1.6 + 0.1 * n, 1.6, Answer.UNKNOWN) for n in range(unanswered)]
    rows = [*life("failed", "crashed"), *asked, lease(9.0, 3, key=number, node=1)]
    possible = number == 0 or 3 <= number <= 3 + unanswered  # 0: it was not written down
    assert blamed(judge("deliveries_used", plan_of(), rows)) == (set() if possible else {0})


@pytest.mark.parametrize(
    ("fencing", "answered", "two"), [(True, False, {0}), (False, False, set()), (False, True, {0})]
)
def test_without_fencing_a_late_word_of_an_earlier_holder_may_end_a_lease(
    fencing: bool, answered: bool, two: set[int]
) -> None:
    said = ended(1.5, 1, "released")[: 2 if answered else 1]
    rows = [*came(), lease(1.0, 1), *said, lease(2.2, 2, node=1), lease(2.5, 3)]
    claims = Claims(fencing=fencing)
    assert blamed(judge("leases_exclusive", plan_of(), rows, claims)) == two


@pytest.mark.parametrize(("fencing", "two"), [(True, {0}), (False, set())])
def test_without_fencing_an_extension_that_was_answered_late_may_have_come_late(
    fencing: bool, two: set[int]
) -> None:
    beat = row(
        5.0, Event.EXTEND_ANSWERED, since=1.5, answer=Answer.OK, node=0, incarnation=1, job=0,
        token=1, value=1.0,
    )  # fmt: skip
    rows = [*came(), lease(1.0, 1), lease(2.2, 2, node=1), beat]
    assert blamed(judge("leases_exclusive", plan_of(), rows, Claims(fencing=fencing))) == two


# -- delays, and who waits ----------------------------------------------------------------


@given(st.floats(0.01, 100.0), st.floats(0.0, 2.0))
def test_delays_respected_rejects_a_job_before_its_time(delay_s: float, share: float) -> None:
    assume(abs(share - 1.0) > 0.05 and abs(share - 1.0) * delay_s > 0.01)
    plan = plan_of(PlannedJob(0.0, 0, 0.01, delay_s=delay_s))
    rows = [*came(), lease(delay_s * share, 1)]
    assert blamed(judge("delays_respected", plan, rows)) == ({0} if share < 1 else set())


@pytest.mark.parametrize(("asked_s", "late"), [(2.0, set()), (2.2, set()), (2.4, {0})])
def test_delays_respected_rejects_a_job_that_a_worker_was_not_given_when_it_was_due(
    asked_s: float, late: set[int]
) -> None:
    plan = plan_of(PlannedJob(0.0, 0, 0.01, delay_s=2.0))
    rows = [*came(), nothing(asked_s + 0.01, asked_s), lease(5.0, 1)]
    assert blamed(judge("delays_respected", plan, rows)) == late
    assert not blamed(judge("ready_jobs_handed_out", plan, rows))
    assert not blamed(judge("delays_respected", plan, rows, Claims(prompt=False)))


@given(st.floats(0.0, 5.0), st.floats(0.01, 0.2), st.sampled_from(["", "taken", "astray"]))
def test_ready_jobs_handed_out_rejects_an_answer_that_there_is_nothing_to_do(
    since_s: float, took_s: float, who: str
) -> None:
    rows = [*came(1.0), nothing(since_s + took_s, since_s), left(since_s + took_s, node=1)]
    if who == "taken":
        rows.append(lease(since_s + 1.1 * took_s, 1, since=since_s))
    if who == "astray":
        rows += [nothing(since_s, since_s - 0.1, Answer.UNKNOWN, node=0), left(since_s)]
    rows.append(row(9.0, Event.HELD, job=0))
    surely_ready = since_s >= 1.0 + PROMPT_S and not who
    assert blamed(judge("ready_jobs_handed_out", plan_of(), rows)) == (
        {0} if surely_ready else set()
    )


@pytest.mark.parametrize(("waited_s", "late"), [(0.2, set()), (0.3, {0}), (20.0, {0})])
@pytest.mark.parametrize("first", ["handed back", "enqueued", "replayed"])
def test_ready_jobs_handed_out_rejects_a_worker_that_is_woken_late(
    first: str, waited_s: float, late: set[int]
) -> None:
    rows = came(50.0)
    if first == "handed back":
        rows = [*came(), lease(1.0, 1), *ended(50.0, 1, "released")]
    if first == "replayed":
        rows = [*came(), lease(1.0, 1), *ended(2.0, 1, "permanent")]
        rows.append(row(50.0, Event.REPLAY_SENT, node=3, job=0))
        rows.append(row(50.0, Event.REPLAY_ANSWERED, since=50.0, answer=Answer.OK, node=3, job=0))
    rows.append(lease(50.0 + waited_s, 2, since=10.0, node=1))
    assert blamed(judge("ready_jobs_handed_out", plan_of(), rows)) == late


def test_ready_jobs_handed_out_allows_for_what_the_run_itself_shows_to_be_slow() -> None:
    slow = [
        row(0.0, Event.ENQUEUE_SENT, node=2, job=1),
        row(0.5, Event.ENQUEUE_ANSWERED, since=0.0, answer=Answer.OK, node=2, job=1),
        lease(0.6, 1, job=1, node=0),
    ]
    woken = lease(55.0, 1, since=10.0, node=1)
    plan = plan_of(PlannedJob(0.0, 0, 0.01), PlannedJob(0.0, 0, 0.01))
    assert blamed(judge("ready_jobs_handed_out", plan, [*came(50.0), woken])) == {0}
    assert not blamed(judge("ready_jobs_handed_out", plan, [*slow, *came(50.0), woken]))


@pytest.mark.parametrize(
    ("jitter", "most_s"), [("none", 1.0), ("full", 1.0), ("equal", 1.0), ("decorrelated", 3.0)]
)
def test_backoff_respected_rejects_a_retry_that_comes_too_late(
    jitter: Jitter, most_s: float
) -> None:
    plan = plan_of(retry=RetryPolicy(1.0, 2.0, 8.0, jitter))
    ready_s = 1.5 + most_s  # it failed at 1.5 s
    for asked_s, late in ((ready_s, set[int]()), (ready_s + PROMPT_S + 0.01, {0})):
        rows = [*life("failed"), nothing(asked_s + 0.1, asked_s), lease(9.0, 2)]
        assert blamed(judge("backoff_respected", plan, rows)) == late
        assert not blamed(judge("ready_jobs_handed_out", plan, rows))


# -- priorities ---------------------------------------------------------------------------

URGENT, OTHER = PlannedJob(0.0, 0, 0.01, priority=5), PlannedJob(0.0, 0, 0.01, priority=-2)


@given(st.floats(0.0, 3.0), st.floats(0.0, 3.0))
def test_priorities_respected_rejects_a_job_that_overtakes_a_more_urgent_one(
    ready_s: float, asked_s: float
) -> None:
    rows = [
        *came(ready_s, job=0),
        *came(0.0, job=1),
        lease(asked_s + 0.1, 1, since=asked_s, job=1, node=1),
        lease(5.0, 1, since=4.0),
    ]
    judged = judge("priorities_respected", plan_of(URGENT, OTHER), rows)
    assert blamed(judged) == ({0} if ready_s <= asked_s else set())
    assert not blamed(judge("priorities_respected", plan_of(OTHER, URGENT), rows))
    unclaimed = judge(
        "priorities_respected", plan_of(URGENT, OTHER), rows, Claims(priorities=False)
    )
    assert unclaimed.verdict == "not judged"


@pytest.mark.parametrize("ending", ["failed", "released"])
def test_priorities_respected_rejects_a_retry_that_has_lost_its_priority(ending: str) -> None:
    rows = [
        *came(0.0, job=0),
        lease(1.0, 1),
        *ended(1.5, 1, ending),
        *came(0.0, job=1),
        lease(3.0, 1, since=2.9, job=1, node=1),
        lease(5.0, 2, since=4.0),
    ]
    assert blamed(judge("priorities_respected", plan_of(URGENT, OTHER), rows)) == {0}
    early = [r for r in rows if r[0] != 3.0]
    early.append(lease(1.55, 1, since=1.51, job=1, node=1))  # while the backoff lasts
    expected = {0} if ending == "released" else set()
    assert blamed(judge("priorities_respected", plan_of(URGENT, OTHER), early)) == expected


# -- dead letters -------------------------------------------------------------------------


def replayed(answer: Answer) -> list[Row]:
    return [
        row(10.0, Event.REPLAY_SENT, node=3, job=0),
        row(10.0, Event.REPLAY_ANSWERED, since=10.0, answer=answer, node=3, job=0),
    ]


@pytest.mark.parametrize("answer", [Answer.OK, Answer.FAILED, Answer.UNKNOWN])
@pytest.mark.parametrize("ran", [True, False])
def test_replays_obeyed_rejects_a_replay_of_which_nothing_comes(answer: Answer, ran: bool) -> None:
    plan = plan_of(actions=(ReplayDead(9.0),))
    rows = [*life("permanent"), *replayed(answer), *dead()]
    if ran:
        rows += [lease(11.0, 2), *ended(11.5, 2, "permanent")]
    wrong = not ran and answer != Answer.UNKNOWN
    assert blamed(judge("replays_obeyed", plan, rows)) == ({0} if wrong else set())


@given(st.integers(0, 4), st.integers(0, 4))
def test_replays_obeyed_rejects_more_than_the_operator_asked_for(listed: int, most: int) -> None:
    assume(listed)
    plan = plan_of(*[PlannedJob(0.0, 0, 0.01)] * 4, actions=(ReplayDead(9.0, at_most=most),))
    rows = [row(10.0, Event.REPLAY_SENT, node=3, job=job) for job in range(listed)]
    assert blamed(judge("replays_obeyed", plan, rows)) == set(range(most, listed))
    elsewhere = replace(plan, actions=(ReplayDead(9.0, "other", at_most=9),))
    assert blamed(judge("replays_obeyed", elsewhere, rows)) == set(range(listed))


def test_dead_letters_listed_rejects_one_that_is_in_no_list_and_one_that_lives() -> None:
    unlisted = [r for r in dead() if not (r[2] == Event.DEAD_LISTED and r[7] == 0)]
    assert blamed(judge("dead_letters_listed", plan_of(), [*came(), *unlisted])) == {0}
    alive = [r for r in dead() if r[2] != Event.DEAD] + [row(90.0, Event.HELD, job=0)]
    assert blamed(judge("dead_letters_listed", plan_of(), [*came(), *alive])) == {0}
    assert judge("dead_letters_listed", plan_of(), [*came(), *dead()]).verdict == "held"
    unseen = [row(90.0, Event.DEAD, job=0, answer=Answer.OK)]
    assert judge("dead_letters_listed", plan_of(), [*came(), *unseen]).verdict == "inconclusive"


@given(st.lists(st.sampled_from(("failed", "crashed", "released")), max_size=14), st.data())
def test_dead_letters_listed_rejects_a_letter_that_has_forgotten_attempts(
    endings: list[str], data: st.DataObject
) -> None:
    newest = [how for how in endings if how != "released"][-KEPT:]
    failed = newest.count("failed")
    told = data.draw(st.integers(0, len(newest)))
    own = data.draw(st.integers(0, failed))
    rows = [*life(*endings), *dead(attempts=told, own=own)]
    forgotten = told < len(newest) or own < failed
    assert blamed(judge("dead_letters_listed", plan_of(), rows)) == ({0} if forgotten else set())


@pytest.mark.parametrize("last", ["failed", "crashed"])
def test_dead_letters_explained_rejects_another_reason_than_that_of_the_last_failure(
    last: str,
) -> None:
    rows = [*life("failed", last), row(90.0, Event.DEAD, job=0, answer=Answer.UNKNOWN)]
    judged = judge("dead_letters_explained", plan_of(), rows)
    assert blamed(judged) == ({0} if last == "failed" else set())
    astray = [*rows, nothing(20.0, 19.0, Answer.UNKNOWN)]
    assert not blamed(judge("dead_letters_explained", plan_of(), astray))


# The first delivery went astray before the repetition that brought the second, so the failure that
# is seen first is the second one: it waits for the longer backoff. Found by 100,000 schedules.
GRANT_LOST_BEFORE_ITS_REPETITION = (
    "jq1:eNo9T1tuwzAMu4u-NcNel6I7ixEYXia3QdQ4tZMuvf0kt9uHHyBFivRQKFGheSBAqOMV0APt"
    "C-eiwHXc6RvQovdwc4DzxtyuvlcoMuu8MD26BlnjZNqaA0KKo7CfmCJXauBRjsU394L-zYQEeDrO"
    "tMpaplhlvZNfrhQKLfyAJm5b4CsOU05JiLrQsGpEmHOQ4TX85DL9WdRA-8BbHe9aZin5LIoaYlqp"
    "hAtFlty-R5jooR7OaMoOO_Os8PFuTnjAVsrZFwl025pQAGs7fTpJqjbS4RfkU2Q7_4u26g"
)


def test_a_delivery_that_nobody_saw_makes_the_next_backoff_longer() -> None:
    assert_holds(GRANT_LOST_BEFORE_ITS_REPETITION, "reference")
