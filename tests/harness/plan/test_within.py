"""The plan within what a queue claims: smaller payloads, and the same plan slower."""

from __future__ import annotations

import pytest
from jobquake.backends import registry as backends
from jobquake.backends.adapter import Claims
from jobquake.harness.faults.broker_crash import BrokerCrash
from jobquake.harness.faults.fields import FOR_EVER_S
from jobquake.harness.faults.kill_worker import KillWorker
from jobquake.harness.faults.net_fault import NetFault
from jobquake.harness.faults.slow_network import SlowNetwork
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue, ReplayDead
from jobquake.harness.plan.within import STEPS, options, slower, within
from jobquake.harness.trial import attempt
from jobquake.protocol.repeat import DEFAULT
from jobquake.scenarios import registry as scenarios
from msgspec.structs import replace

PLAN = Plan(
    scenario="within",
    variant="default",
    seed=1,
    queues=(Queue("q", 4.0),),
    pools=(Pool("p", ("q",), 2),),
    jobs=(PlannedJob(0.5, 0, 0.3, delay_s=1.0, payload_bytes=65_537), PlannedJob(0.0, 0, 0.1)),
    faults=(SlowNetwork(1.0, FOR_EVER_S, 0.02), KillWorker(1, 2.0)),
    guarantees=("no_lost_work",),
    lease_s=2.0,
    actions=(ReplayDead(3.0),),
)


def test_no_payload_is_larger_than_the_queue_takes() -> None:
    plan = within(PLAN, Claims(max_payload_bytes=1000))
    assert [job.payload_bytes for job in plan.jobs] == [1000, 0]
    assert within(plan, Claims(max_payload_bytes=1000)) == plan
    assert within(PLAN, Claims()) is PLAN
    assert within(PLAN, Claims(max_payload_bytes=100_000)) is PLAN


def test_for_a_queue_of_whole_seconds_everything_takes_longer_and_for_ever_is_for_ever() -> None:
    plan = within(PLAN, Claims(timer_s=1.0))
    by = STEPS / PLAN.lease_s
    assert plan == slower(PLAN, by)
    assert plan.lease_s == STEPS
    assert plan.retry.base_s == PLAN.retry.base_s * by
    assert plan.retry.factor == PLAN.retry.factor
    assert plan.queues[0].bound_s == 4.0 * by
    assert (plan.jobs[0].at_s, plan.jobs[0].delay_s) == (0.5 * by, 1.0 * by)
    assert plan.faults == (SlowNetwork(by, FOR_EVER_S, 0.02 * by), KillWorker(1, 2.0 * by))
    assert plan.actions == (ReplayDead(3.0 * by),)
    assert within(plan, Claims(timer_s=1.0)) == plan


def test_where_a_crash_lasts_long_everything_takes_longer() -> None:
    crashing = replace(PLAN, faults=(BrokerCrash(1.0, 0.4),), call_timeout_s=0.5)
    by = 12.0 / (DEFAULT.attempts * 0.5)
    patient = within(crashing, Claims(restart_s=12.0))
    assert patient == slower(crashing, by)
    assert within(patient, Claims(restart_s=12.0)) is patient
    assert within(crashing, Claims(restart_s=1.0)) is crashing
    assert within(PLAN, Claims(restart_s=12.0)) is PLAN, "no server crashes"


def test_where_no_lease_can_be_extended_no_job_outlasts_one_and_no_extension_is_struck() -> None:
    heartbeat = NetFault("extend", 1, "lose_reply")
    plan = replace(
        PLAN,
        lease_s=0.5,
        faults=(heartbeat, *PLAN.faults),
        must_hit=((heartbeat.kind, "running"), ("worker kill", "running")),
    )
    found = within(plan, Claims(extends=False))
    assert [job.service_s for job in found.jobs] == [0.25, 0.1]
    assert found.faults == PLAN.faults
    assert found.must_hit == (("worker kill", "running"),)
    assert within(found, Claims(extends=False)) is found
    assert within(plan, Claims()) is plan
    assert not options(plan, Claims(extends=False)).extends


@pytest.mark.parametrize("name", ["worker-kill-before-ack", "retry-storm", "delayed-jobs"])
def test_a_slower_plan_is_the_same_plan(name: str) -> None:
    plan = scenarios.find(name).plan(3)
    queue = backends.find("reference")
    quick, slow = attempt(plan, queue), attempt(slower(plan, 8.0), queue)
    assert not quick.broken
    assert not slow.broken
    assert quick.facts.outcomes == slow.facts.outcomes
    assert replace(slower(plan, 8.0), lease_s=plan.lease_s).must_hit == plan.must_hit
