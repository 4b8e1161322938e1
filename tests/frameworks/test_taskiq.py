"""Real taskiq on a real Redis: what is popped is lost with its worker, what is pending is not."""

from __future__ import annotations

import pytest
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.faults.kill_process_at import KillProcessAt
from jobquake.harness.run import run
from support.frameworks import app_on, plan

SOON = {"idle_timeout": 4000}
ONE = "-w 1 --max-async-tasks 1 --max-prefetch 0"


@pytest.mark.slow
def test_what_is_pending_in_a_stream_comes_back_with_the_next_message() -> None:
    """Nothing new comes after the plan's jobs, so what is held waits for something new."""
    system = app_on("taskiq", "couriers:kept", "charge_once", ONE, settings=SOON)
    result = run(plan(KillAt(3, "after_lease"), deadline_s=20.0), system).result
    assert result.outcomes["lost"] == 0, result.sentence
    assert result.outcomes["recoverable"] == 1
    assert result.outcomes["done"] + result.outcomes["recovered"] == 3


@pytest.mark.slow
def test_what_a_list_has_handed_out_is_lost_with_its_worker() -> None:
    system = app_on("taskiq", "couriers:popped", "charge", ONE)
    result = run(plan(KillAt(1, "after_lease")), system, time="real").result
    assert result.verdict == "violated", result.sentence
    assert result.outcomes["lost"] >= 1


@pytest.mark.slow
def test_a_process_that_dies_is_replaced_and_another_claims_what_it_had() -> None:
    system = app_on("taskiq", "couriers:kept", "charge_once", "-w 2", settings=SOON)
    result = run(plan(KillProcessAt(1, "after_lease"), count=30, deadline_s=60.0), system).result
    assert result.outcomes["lost"] == 0, result.sentence
    assert result.outcomes["recovered"] + result.outcomes["recoverable"] >= 1


@pytest.mark.slow
def test_what_raised_has_failed() -> None:
    refused = run(plan(count=2), app_on("taskiq", "couriers:kept", "refuse", ONE)).result
    assert refused.outcomes["failed"] + refused.outcomes["dead-lettered"] == 2, refused.sentence
