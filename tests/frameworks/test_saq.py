"""Real SAQ on a real Redis: what a sweep finds of a dead worker's jobs, what becomes of it."""

from __future__ import annotations

import pytest
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.plan.plan import PlannedJob
from jobquake.harness.run import run
from msgspec.structs import replace
from support.frameworks import app_on, plan, recovered_s

OFTEN = {"timers": {"sweep": 2}, "concurrency": 2}
APP = ("saq", "sacks:settings")
RETRIES = '{"retries": 5, "timeout": 5}'


def test_what_a_dead_worker_held_is_swept_after_its_timeout_and_run_again() -> None:
    system = app_on(*APP, "charge", settings=OFTEN, options=RETRIES)
    done = run(plan(KillAt(1, "after_lease"), deadline_s=60.0), system)
    assert done.result.verdict == "held", done.result.sentence
    assert done.result.outcomes["recovered"] >= 1 and done.result.outcomes["lost"] == 0
    assert 5.0 <= recovered_s(done) <= system.library.recovery(system.looked).seconds


@pytest.mark.slow
def test_at_its_defaults_a_sweep_aborts_it_and_nothing_is_run_again() -> None:
    result = run(plan(KillAt(1, "after_lease"), deadline_s=300.0), app_on(*APP, "charge")).result
    assert result.outcomes["dead-lettered"] >= 1, result.sentence
    assert result.outcomes["lost"] == 0
    assert "aborted, begun 1 times: swept" in result.where[1]


@pytest.mark.slow
def test_a_delay_is_kept_and_what_raised_is_kept_as_failed() -> None:
    late = replace(plan(), jobs=(PlannedJob(0.0, 0, 0.05, delay_s=5.0),))
    result = run(late, app_on(*APP, "charge", settings=OFTEN)).result
    assert (result.verdict, result.outcomes["done"]) == ("held", 1), result.sentence
    refused = run(plan(count=2), app_on(*APP, "refuse", settings=OFTEN)).result
    assert refused.outcomes["dead-lettered"] == 2, refused.sentence
    assert "ValueError: order 7 has no address" in refused.where[0]
