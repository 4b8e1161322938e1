"""Real Celery and Dramatiq on a real RabbitMQ: classic queues, and a quorum queue with a limit."""

from __future__ import annotations

import pytest
from jobquake import apps
from jobquake.frameworks.shop import app_of, shops
from jobquake.frameworks.sign import sign
from jobquake.frameworks.system import AppSystem
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.faults.kill_process_at import KillProcessAt
from jobquake.harness.run import run
from msgspec.structs import replace
from support.frameworks import plan, python_of

CHILD, WHOLE = KillProcessAt(1, "after_lease"), KillAt(1, "after_lease")


def system(configuration: str, library: str = "celery") -> AppSystem:
    _, found = shops()[f"{library}-rabbitmq"]
    return apps.system_of(app_of(library, found, configuration, python_of(sign(library).pins)))


@pytest.mark.slow
def test_at_its_defaults_a_killed_child_loses_its_job() -> None:
    result = run(plan(CHILD), system("default")).result
    assert result.verdict == "violated", result.sentence
    assert (result.outcomes["lost"], result.outcomes["done"]) == (1, 3)


@pytest.mark.slow
def test_what_a_killed_worker_held_is_ready_at_once() -> None:
    result = run(plan(WHOLE), system("safe")).result
    assert result.verdict == "held", result.sentence
    assert result.outcomes["recovered"] == 1
    assert result.environment["time"].startswith("leaping")


@pytest.mark.slow
def test_a_job_that_ends_its_process_each_time_becomes_a_dead_letter() -> None:
    result = run(plan(*[CHILD] * 7), system("safe")).result
    assert result.verdict == "held", result.sentence
    assert (result.outcomes["dead-lettered"], result.outcomes["lost"]) == (1, 0)
    assert "celery.dead" in result.where[1] and "delivery_limit" in result.where[1]


@pytest.mark.slow
@pytest.mark.parametrize("configuration", ["default", "safe"])
def test_dramatiq_gets_back_at_once_what_a_killed_worker_held(configuration: str) -> None:
    result = run(plan(WHOLE), system(configuration, "dramatiq")).result
    assert result.verdict == "held", result.sentence
    assert result.outcomes["recovered"] >= 1  # and what it had fetched besides


@pytest.mark.slow
def test_dramatiq_s_delayed_job_waits_in_a_queue_of_its_own_and_is_done() -> None:
    later = plan()
    delayed = replace(later, jobs=(replace(later.jobs[0], delay_s=20.0), *later.jobs[1:]))
    result = run(delayed, system("default", "dramatiq")).result
    assert (result.verdict, result.outcomes["done"]) == ("held", 4), result.sentence
