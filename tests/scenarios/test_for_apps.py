"""A scenario's plan is made to fit an app: what it cannot do there is put in other words."""

from __future__ import annotations

from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.faults.kill_process_at import KillProcessAt
from jobquake.harness.faults.kill_taking import KillTaking
from jobquake.harness.faults.kill_worker import KillWorker
from jobquake.harness.plan.validate import validate
from jobquake.scenarios import registry
from jobquake.scenarios.for_apps import Fit, fitted, kinds_of

KILLS = registry.find("worker-kill-before-ack").plan(0)
CHILD = Fit(workers=2, kills="child", own_task=False, recovery_s=3700.0, patience_s=30.0)
WORKER = CHILD._replace(kills="worker")


def test_where_a_child_is_to_die_nothing_else_does() -> None:
    plan = fitted(KILLS, CHILD)
    assert any(isinstance(fault, KillProcessAt) for fault in plan.faults)
    assert not [fault for fault in plan.faults if isinstance(fault, KillAt | KillWorker)]
    assert ("process kill", "leased") in plan.must_hit
    assert plan.variant == "child"


def test_who_is_to_die_while_it_takes_a_job_dies_at_no_other_point() -> None:
    plan = fitted(KILLS, WORKER._replace(kills="taking"))
    validate(plan)
    taking = [fault for fault in plan.faults if isinstance(fault, KillTaking)]
    assert len(taking) == len([f for f in KILLS.faults if isinstance(f, KillAt)]) - 2, "after acks"
    assert not [f for f in plan.faults if isinstance(f, KillAt | KillProcessAt | KillWorker)]
    assert ("kill while taking", "leased") in plan.must_hit and plan.variant == "taking"


def test_a_point_inside_of_somebody_s_task_is_one_before_or_after_it() -> None:
    points = {f.point for f in fitted(KILLS, WORKER).faults if isinstance(f, KillAt)}
    assert points == {"after_lease", "after_effect", "after_ack"}
    own = fitted(KILLS, WORKER._replace(own_task=True))
    assert "mid_job" in {f.point for f in own.faults if isinstance(f, KillAt)}


def test_faults_of_workers_strike_workers_that_there_are() -> None:
    for name in registry.names():
        scenario = registry.find(name)
        plan = fitted(scenario.plan(0), WORKER)
        validate(plan)
        workers = len(plan.workers)
        for fault in plan.faults:
            numbers = [getattr(fault, "worker", 0), *(getattr(fault, "workers", None) or ())]
            assert all(number < workers for number in numbers), (name, fault)


def test_the_run_waits_for_the_library_as_long_as_somebody_is_patient() -> None:
    patient = fitted(KILLS, WORKER._replace(patience_s=9000.0))
    assert patient.deadline_s - fitted(KILLS, WORKER).deadline_s == 3700.0 - 30.0


def test_a_delay_that_outlasts_a_lease_outlasts_the_library_s_own() -> None:
    plan = registry.find("delayed-past-lease").plan(0)
    far = fitted(plan, WORKER._replace(patience_s=9000.0, delays_in_leases=True))
    longest_s = max(job.delay_s for job in far.jobs)
    assert longest_s == 2.5 * 3700.0 and far.deadline_s > longest_s + 3700.0
    assert max(job.delay_s for job in fitted(plan, WORKER).jobs) == 2.5


def test_what_ends_no_process_of_a_pool_is_one_plan() -> None:
    assert kinds_of(KILLS, ("child", "worker")) == ("child", "worker")
    for name in ("broker-crash", "broker-full", "same-name", "rolling-deploy"):
        assert kinds_of(registry.find(name).plan(0), ("child", "worker")) == ("worker",), name
