"""Real Celery on a real RabbitMQ: a classic queue at its defaults, a quorum queue with a limit."""

from __future__ import annotations

import pytest
from jobquake import apps
from jobquake.frameworks.libraries.celery.shops import SHOPS
from jobquake.frameworks.shop import app_of
from jobquake.frameworks.system import AppSystem
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.faults.kill_process_at import KillProcessAt
from jobquake.harness.run import run
from support.frameworks import CELERY, plan, python_of

SHOP = next(shop for shop in SHOPS if shop.name == "celery-rabbitmq")
CHILD, WHOLE = KillProcessAt(1, "after_lease"), KillAt(1, "after_lease")


def system(configuration: str) -> AppSystem:
    return apps.system_of(app_of("celery", SHOP, configuration, python_of(CELERY)))


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
    assert (result.outcomes["dead"], result.outcomes["done"]) == (1, 3)
    assert "celery.dead" in result.where[1] and "delivery_limit" in result.where[1]
