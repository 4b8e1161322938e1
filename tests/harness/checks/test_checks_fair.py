"""Checks are fair: what the correct queue does under faults is called no violation.

Each plan here once made a check blame the reference queue for what was not its doing.
"""

from __future__ import annotations

import pytest
from jobquake import RetryPolicy, simulate
from jobquake.backends.built_in.reference import BACKEND as REFERENCE
from jobquake.harness.checks import CHECKS
from jobquake.harness.faults.net_fault import NetFault
from jobquake.harness.faults.partition import Partition
from jobquake.harness.faults.terminate import Terminate
from jobquake.harness.finding import Judged
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue, ReplayDead
from jobquake.harness.record.facts import Facts
from jobquake.protocol.events import Answer, Event
from msgspec.structs import replace

ALONE = Plan(
    scenario="fair",
    variant="default",
    seed=1,
    queues=(Queue("orders"),),
    pools=(Pool("orders", ("orders",), 1),),
    jobs=(),
    faults=(),
    guarantees=(),
    max_deliveries=6,
    deadline_s=60.0,
    retry=RetryPolicy(1.0, 4.0, 30.0, "none"),
)


def plan(*jobs: PlannedJob, **changes: object) -> Plan:
    return replace(ALONE, jobs=jobs, **changes)


def reference_under(planned: Plan) -> Facts:
    return Facts(planned, REFERENCE.claims, simulate(planned, REFERENCE))


def judge(name: str, facts: Facts) -> Judged:
    return CHECKS[name].judge(facts)


def test_a_delivery_that_was_handed_back_makes_no_backoff_longer() -> None:
    facts = reference_under(
        plan(
            PlannedJob(0.0, 0, 3.0, behaviour="fail", failures=3),
            faults=(Terminate((0,), 0.5, 2.0),),
            grace_s=0.2,
        )
    )
    assert len(facts.rows(Event.RELEASE_ANSWERED, Answer.OK)) == 1
    assert len(facts.rows(Event.NACK_ANSWERED, Answer.OK)) == 2
    assert judge("backoff_respected", facts).verdict == "held"


def test_a_dead_letter_that_an_operator_replays_need_wait_for_no_backoff() -> None:
    facts = reference_under(
        plan(
            PlannedJob(0.0, 0, 0.1, behaviour="fail", failures=3),
            max_deliveries=2,
            actions=(ReplayDead(3.0),),
        )
    )
    assert len(facts.rows(Event.REPLAY_ANSWERED, Answer.OK)) == 1
    judged = judge("backoff_respected", facts)
    assert judged.verdict == "held"
    assert judged.note == "2 retries, 0 too early, 0 too late"


@pytest.mark.parametrize("cut_off_s", [1.0, 8.0])
def test_a_worker_that_is_cut_off_while_it_extends_holds_no_job_past_its_timeout(
    cut_off_s: float,
) -> None:
    job = PlannedJob(0.0, 0, 0.9, timeout_s=1.0)
    facts = reference_under(plan(job, faults=(Partition((0,), 0.2, cut_off_s),)))
    assert len(facts.history.where(Event.FAULT_STRUCK)) >= 1
    assert judge("timeouts_enforced", facts).verdict == "held"


def test_a_worker_whose_heartbeat_is_never_answered_holds_no_job_past_its_timeout() -> None:
    job = PlannedJob(0.0, 0, 0.9, timeout_s=1.0)
    lost = NetFault("extend", 1, "lose_request", times=6)
    facts = reference_under(plan(job, faults=(lost,), call_timeout_s=1.0))
    unanswered = facts.rows(Event.EXTEND_ANSWERED, Answer.NONE)
    assert len(unanswered) == 6, "each attempt without an answer is known"
    assert judge("timeouts_enforced", facts).verdict == "held"
