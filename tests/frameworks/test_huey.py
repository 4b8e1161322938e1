"""Real Huey on a real Redis: what its consumer has taken off the list is gone with it."""

from __future__ import annotations

import pytest
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.faults.kill_process_at import KillProcessAt
from jobquake.harness.plan.plan import PlannedJob
from jobquake.harness.run import run
from msgspec.structs import replace
from support.frameworks import app_on, plan


def test_the_task_that_a_dead_consumer_ran_is_lost_and_no_other_is() -> None:
    system = app_on("huey", "honey:huey", "honey.charge")
    result = run(plan(KillAt(1, "after_lease")), system, time="real").result
    assert result.verdict == "violated", result.sentence
    assert (result.outcomes["lost"], result.outcomes["done"]) == (1, 3)


@pytest.mark.slow
def test_of_processes_only_the_task_of_the_one_that_dies_is_lost() -> None:
    system = app_on("huey", "honey:huey", "honey.charge", "-k process -w 2")
    result = run(plan(KillProcessAt(1, "after_lease"), count=8), system, time="real").result
    assert result.verdict == "violated", result.sentence
    assert (result.outcomes["lost"], result.outcomes["done"]) == (1, 7)


@pytest.mark.slow
def test_a_delay_is_kept_and_the_error_of_what_failed_for_good_is_among_the_results() -> None:
    late = replace(plan(), jobs=(PlannedJob(0.0, 0, 0.05, delay_s=5.0),))
    result = run(late, app_on("huey", "honey:huey", "honey.charge")).result
    assert (result.verdict, result.outcomes["done"]) == ("held", 1), result.sentence
    refused = run(plan(count=2), app_on("huey", "honey:huey", "honey.refuse")).result
    assert refused.outcomes["dead-lettered"] == 2, refused.sentence
    assert "order 7 has no address" in refused.where[0]
