"""Real Celery on a real Redis: what is lost, run again, stuck, recovered, as its settings say."""

from __future__ import annotations

import pytest
from jobquake.harness.faults.fields import FOR_EVER_S
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.faults.kill_process_at import KillProcessAt
from jobquake.harness.faults.kill_worker import KillWorker
from jobquake.harness.faults.pause_at import PauseAt
from jobquake.harness.run import run
from support.frameworks import GREEN, LATE, ONE_AT_A_TIME, app_on, plan, shop

CHILD = (KillProcessAt(1, "after_lease"),)
WHOLE = (KillAt(1, "after_lease"),)
SHORT = {
    "broker_transport_options": {
        "visibility_timeout": 2,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    }
}


def test_at_its_defaults_a_killed_child_loses_its_job() -> None:
    result = run(plan(*CHILD), shop()).result
    assert result.verdict == "violated", result.sentence
    assert (result.outcomes["lost"], result.outcomes["done"]) == (1, 3)
    assert "job 1 was accepted" in result.sentence
    assert "the process of w1 that ran it was killed before it started the job" in result.sentence


@pytest.mark.slow
def test_a_solo_worker_dies_before_its_early_ack_was_sent() -> None:
    """It acks from its event loop, which waits for the body: so the message is still held."""
    result = run(plan(*CHILD), shop({"worker_pool": "solo"})).result
    assert result.verdict == "inconclusive", result.sentence
    assert (result.outcomes["stuck"], result.outcomes["lost"]) == (1, 0)


@pytest.mark.slow
def test_a_pool_of_threads_does_its_jobs() -> None:
    result = run(plan(), shop({"worker_pool": "threads"})).result
    assert (result.verdict, result.outcomes["done"]) == ("held", 4), result.sentence


@pytest.mark.slow
@pytest.mark.parametrize("pool", ["gevent", "eventlet"])
def test_a_pool_of_greenlets_does_its_jobs(pool: str) -> None:
    """Which puts sockets of its own in the place of Python's."""
    command = f"celery -A shop:app worker -P {pool} -c 4 -l INFO"
    result = run(plan(), shop(worker=command, pins=GREEN)).result
    assert (result.verdict, result.outcomes["done"]) == ("held", 4), result.sentence


@pytest.mark.slow
def test_with_late_acks_a_killed_child_s_job_is_run_again() -> None:
    before = run(plan(*CHILD), shop(LATE)).result
    assert (before.verdict, before.outcomes["done"]) == ("held", 3), before.sentence
    (recovered,) = before.fates
    assert (recovered.outcome, recovered.jobs) == ("recovered", (1,))
    after = run(plan(KillProcessAt(1, "after_effect")), shop(LATE)).result
    assert (after.outcomes["done"], after.outcomes["run again"]) == (3, 1), after.sentence


@pytest.mark.slow
@pytest.mark.parametrize("task", ["ignore", "hand_on"])
def test_a_task_that_says_that_nothing_is_left_to_do_is_done(task: str) -> None:
    """By raising Ignore; what replaced itself goes on under the same id."""
    result = run(plan(*CHILD), app_on("celery", "desk:app", f"desk.{task}")).result
    assert result.outcomes["failed"] == 0, result.sentence
    assert (result.outcomes["done"], result.outcomes["recovered"]) == (3, 1), result.sentence


@pytest.mark.slow
def test_what_a_killed_worker_held_is_stuck_until_the_visibility_timeout() -> None:
    result = run(plan(*WHOLE, count=2), shop(LATE, ONE_AT_A_TIME)).result
    assert result.verdict == "inconclusive", result.sentence
    assert result.outcomes["stuck"] == 1
    (stuck,) = (fate for fate in result.fates if fate.outcome == "stuck")
    assert stuck.detail.startswith("the hash unacked; given back by itself within 3")
    assert "unacked" in result.where[1] and "visibility_timeout=3600" in result.where[1]
    told = {check.name: check for check in result.checks}
    assert told["no_lost_work"].verdict == "held"
    assert told["progress_after_heal"].verdict != "violated"


@pytest.mark.slow
def test_after_the_visibility_timeout_it_is_run_again() -> None:
    result = run(plan(*WHOLE), shop(LATE, ONE_AT_A_TIME, SHORT)).result
    assert result.verdict == "held", result.sentence
    assert result.outcomes["recovered"] >= 1  # with what its worker had prefetched
    assert result.outcomes["done"] + result.outcomes["recovered"] == 4


@pytest.mark.slow
def test_a_paused_child_goes_on() -> None:
    result = run(plan(PauseAt(1, "after_lease", 0.5)), shop()).result
    assert (result.verdict, result.outcomes["done"]) == ("held", 4), result.sentence


@pytest.mark.slow
def test_a_task_that_raises_has_failed_and_is_not_lost() -> None:
    result = run(plan(count=2), shop(task="shop.refuse")).result
    assert result.outcomes["failed"] == 2, result.sentence
    assert result.outcomes["lost"] == 0


@pytest.mark.slow
def test_jobquake_s_own_task_runs_where_nobody_names_one() -> None:
    result = run(plan(KillProcessAt(1, "mid_job")), shop(LATE, task="")).result
    assert (result.verdict, result.outcomes["recovered"]) == ("held", 1), result.sentence


@pytest.mark.slow
def test_what_nobody_is_left_to_take_is_done_by_a_fresh_worker_and_recoverable() -> None:
    away = KillWorker(0, 0.25, FOR_EVER_S)
    result = run(plan(away, count=6, deadline_s=8.0), shop()).result
    assert result.outcomes["recoverable"] and not result.outcomes["lost"], result.sentence
    assert "it was done once a fresh worker was started" in result.sentence
    assert {fate.detail for fate in result.fates if fate.outcome == "recoverable"} == {
        "the queue celery held it until a fresh worker was started"
    }
