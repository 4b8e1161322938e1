"""All checks: they accept every legal history, and judge no more than is claimed.

Legal runs come from the model in ``legal.py``.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from jobquake.backends.adapter import Claims
from jobquake.harness.checks import CHECKS
from jobquake.harness.faults.flood import Flood
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.finding import Judged
from jobquake.harness.plan.senseless import ALL_NAMES
from jobquake.harness.record.facts import Facts
from jobquake.harness.record.history import History, row
from jobquake.harness.sight import hidden
from jobquake.protocol.events import Answer, Event, Phase
from msgspec.structs import replace
from support.legal import Legal, all_claims, legal_runs
from support.planted import EVERYTHING, judge, plan_of, planted, properties, runs

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
    "success_remembered": "of no job it is certain that it was done",
    "enqueues_accepted": "no enqueue was answered",
    "senseless_refused": "nobody said what makes no sense",
    "backlog_bounded": ("no queue has a limit", "no queue was ever full"),
}


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


@pytest.mark.parametrize(
    ("name", "lacking"),
    [
        ("a job with a delay below 0 s", "delays"),
        ("the ack without a delivery", "fencing"),
        ("the heartbeat of a delivery that is over", "fencing"),
        ("the replay of a job that is done", "dead_letters"),
    ],
)
def test_senseless_refused_rejects_what_was_accepted_unless_nothing_is_claimed_of_it(
    name: str, lacking: str
) -> None:
    def answer(taken: Answer, claims: Claims = EVERYTHING) -> Judged:
        key = ALL_NAMES.index(name)
        said = row(1.0, Event.SENSELESS_ANSWERED, since=0.9, answer=taken, key=key)
        return CHECKS["senseless_refused"].answer(Facts(plan_of(1), claims, History([said])))

    assert answer(Answer.FAILED).verdict == "held"
    assert [f.sentence for f in answer(Answer.OK).findings] == [f"{name} was accepted at 1.00 s"]
    assert answer(Answer.OK, replace(EVERYTHING, **{lacking: False})).verdict == "inconclusive"


@planted
@given(runs)
def test_faults_hit_says_that_nothing_was_proved_if_a_cell_stays_empty(run: Legal) -> None:
    plan = replace(run.plan, must_hit=(("worker kill", "after ack"),), faults=())
    rows = [r for r in run.rows if r[2] != Event.FAULT_STRUCK]
    judged = judge("faults_hit", run, rows, plan)
    assert judged.verdict == "inconclusive"
    assert "worker kill" in judged.findings[0].sentence


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
