"""Real Procrastinate on a real PostgreSQL: what a dead worker was doing, and who brings it back."""

from __future__ import annotations

import pytest
from jobquake.harness.faults.broker_crash import BrokerCrash
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.plan.plan import PlannedJob
from jobquake.harness.run import run
from msgspec.structs import replace
from support.frameworks import clerk, plan, recovered_s

WHOLE = (KillAt(1, "after_lease"),)
PROMPT = {"update_heartbeat_interval": 1.0, "stalled_worker_timeout": 5.0}
EVERY_TWO_SECONDS = "* * * * * */2"


@pytest.mark.slow
def test_the_teams_own_periodic_task_brings_back_what_a_dead_worker_was_doing() -> None:
    system = clerk(rescues=EVERY_TWO_SECONDS, settings=PROMPT)
    recovery = system.library.recovery(system.looked)
    assert "clerk.rescue comes within 2 s" in recovery.why
    found = run(plan(*WHOLE, deadline_s=60.0), system)
    assert found.result.verdict == "held", found.result.sentence
    assert found.result.outcomes["recovered"] >= 1
    assert 3.0 <= recovered_s(found) <= recovery.seconds


@pytest.mark.slow
def test_without_such_a_task_its_job_is_stuck_and_not_lost() -> None:
    result = run(plan(*WHOLE), clerk(), time="real").result
    assert (result.verdict, result.outcomes["lost"]) == ("violated", 0), result.sentence
    assert result.outcomes["stuck"] == 1
    assert "procrastinate_jobs, doing in the queue payments by worker" in result.where[1]


@pytest.mark.slow
def test_a_delay_is_kept_and_a_job_that_fails_is_kept_as_failed() -> None:
    late = replace(plan(), jobs=(PlannedJob(0.0, 0, 0.05, delay_s=5.0),))
    result = run(late, clerk()).result
    assert (result.verdict, result.outcomes["done"]) == ("held", 1), result.sentence
    refused = run(plan(count=2), clerk("clerk.refuse")).result
    assert refused.outcomes["dead-lettered"] == 2, refused.sentence
    assert "failed in the queue default after 2 attempts" in refused.where[0]


@pytest.mark.slow
def test_what_was_accepted_outlives_a_crash_of_the_database() -> None:
    crash = BrokerCrash(0.15, 2.0)
    system = clerk(rescues=EVERY_TWO_SECONDS, settings=PROMPT)
    result = run(plan(crash, count=8, workers=2, deadline_s=60.0), system).result
    assert (result.verdict, result.outcomes["lost"]) == ("held", 0), result.sentence
