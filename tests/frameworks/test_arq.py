"""Real ARQ on a real Redis: how long a dead worker's jobs are in progress, and what deaths cost."""

from __future__ import annotations

import pytest
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.plan.plan import PlannedJob
from jobquake.harness.run import run
from msgspec.structs import replace
from support.frameworks import app_on, plan, recovered_s

SHORT = {"job_timeout": 5}
APP = ("arq", "waiters:WorkerSettings")


def test_what_a_dead_worker_held_is_in_progress_for_the_timeout_and_ten_seconds() -> None:
    system = app_on(*APP, "charge", settings=SHORT)
    done = run(plan(KillAt(1, "after_lease"), deadline_s=60.0), system)
    assert done.result.verdict == "held", done.result.sentence
    assert done.result.outcomes["recovered"] >= 1 and done.result.outcomes["lost"] == 0
    assert 14.0 <= recovered_s(done) <= system.library.recovery(system.looked).seconds


@pytest.mark.slow
def test_a_job_whose_worker_dies_each_time_is_given_up_after_max_tries() -> None:
    system = app_on(*APP, "charge", settings={**SHORT, "max_tries": 2})
    result = run(plan(KillAt(1, "after_lease", 5), deadline_s=120.0), system).result
    assert result.outcomes["dead-lettered"] == 1, result.sentence
    assert "max 2 retries exceeded" in result.where[1]


@pytest.mark.slow
def test_a_delay_is_kept_and_what_raised_is_kept_as_a_result() -> None:
    late = replace(plan(), jobs=(PlannedJob(0.0, 0, 0.05, delay_s=5.0),))
    result = run(late, app_on(*APP, "charge", settings=SHORT)).result
    assert (result.verdict, result.outcomes["done"]) == ("held", 1), result.sentence
    refused = run(plan(count=2), app_on(*APP, "refuse", settings=SHORT)).result
    assert refused.outcomes["dead-lettered"] == 2, refused.sentence
    assert "ValueError: order 7 has no address" in refused.where[0]
