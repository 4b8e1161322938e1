"""Real Dramatiq on a real Redis: what its processes had fetched, and when it comes back."""

from __future__ import annotations

import pytest
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.faults.kill_process_at import KillProcessAt
from jobquake.harness.plan.plan import PlannedJob
from jobquake.harness.run import run
from msgspec.structs import replace
from support.frameworks import actors, plan

WHOLE = (KillAt(1, "after_lease"),)
PROMPT = {"heartbeat_timeout": 5000, "maintenance_chance": 1_000_000}
DEADLINE_S = 8000.0


def test_what_a_killed_worker_had_fetched_is_run_again_once_its_heartbeat_is_old() -> None:
    result = run(plan(*WHOLE, deadline_s=60.0), actors(settings=PROMPT)).result
    assert result.verdict == "held", result.sentence
    assert result.outcomes["recovered"] >= 1
    assert result.outcomes["done"] + result.outcomes["recovered"] == 4


@pytest.mark.slow
def test_at_its_defaults_it_comes_back_by_chance_and_not_before_a_minute() -> None:
    """The second worker asks about twice a second, and a command in a thousand looks."""
    result = run(plan(*WHOLE, workers=2, deadline_s=DEADLINE_S), actors()).result
    assert (result.verdict, result.outcomes["lost"]) == ("held", 0), result.sentence
    assert result.outcomes["recovered"] >= 1
    assert result.recovery_s is not None and 60.0 <= result.recovery_s <= 7060.0


@pytest.mark.slow
def test_a_process_that_dies_takes_its_worker_along_and_no_job_is_lost() -> None:
    killed = KillProcessAt(1, "after_lease")
    result = run(plan(killed, deadline_s=60.0), actors(words="-p 2 -t 1", settings=PROMPT)).result
    assert (result.verdict, result.outcomes["lost"]) == ("held", 0), result.sentence
    assert result.outcomes["recovered"] >= 1


@pytest.mark.slow
def test_a_delay_is_kept_and_a_job_that_always_fails_is_a_dead_letter() -> None:
    late = replace(plan(), jobs=(PlannedJob(0.0, 0, 0.05, delay_s=5.0),))
    result = run(late, actors(settings=PROMPT)).result
    assert (result.verdict, result.outcomes["done"]) == ("held", 1), result.sentence
    refused = run(plan(count=2), actors("refuse", settings=PROMPT)).result
    assert refused.outcomes["dead-lettered"] == 2, refused.sentence
    assert "order 7 has no address" in refused.where[0]
