"""Tasks that end in ways of their own, with nobody killed: what is told of them is what was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jobquake import apps
from jobquake.frameworks.app import App
from jobquake.frameworks.system import AppSystem
from jobquake.harness.run import run
from support.frameworks import APPS, CELERY, RQ, plan, python_of

MINUTE = {"broker_transport_options": {"visibility_timeout": 60}}
KEPT = {"result_backend": "redis://localhost:6379/1"}
LATE = {"task_acks_late": True}
RAISED = "its function raised, of which no record is kept"
LEFT = "nothing holds it; w1 had it last and had acknowledged it"


def odd(task: str, **settings: Any) -> AppSystem:
    env = {"SETTINGS": json.dumps({**MINUTE, **settings})}
    python = python_of(CELERY)
    return apps.system_of(App("odd:app", task, python, APPS, None, "odd:order_of", env=env))


def jobs(task: str, options: str = "", worker: str | None = None) -> AppSystem:
    python = python_of(RQ)
    found = App("odd_jobs:queue", task, python, APPS, worker, "odd_jobs:order_of", options)
    return apps.system_of(found)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "settings", "outcome", "detail"),
    [
        ("slow", {"task_time_limit": 5}, "failed", RAISED),
        ("slow", {"task_soft_time_limit": 5}, "failed", RAISED),
        ("deaf", {"task_time_limit": 5, **LATE}, "failed", RAISED),
        (
            "slow",
            {"task_time_limit": 5, **LATE, **KEPT},
            "dead-lettered",
            "the result backend: FAILURE, TimeLimitExceeded",
        ),
        ("in_vain", {}, "failed", RAISED),
        ("exits", {}, "lost", LEFT),
        ("exits", {"task_reject_on_worker_lost": True}, "stuck", "the hash unacked"),
    ],
)
def test_what_becomes_of_the_odd_one(
    task: str, settings: dict[str, Any], outcome: str, detail: str
) -> None:
    result = run(plan(deadline_s=60.0), odd(task, **settings)).result
    (fate,) = result.fates
    assert (fate.outcome, fate.jobs) == (outcome, (2,)), result.sentence
    assert fate.detail.startswith(detail), fate.detail
    assert result.outcomes["done"] == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "settings"),
    [("again", {}), ("again", {**KEPT, "result_expires": 3}), ("passes_on", {})],
)
def test_what_is_retried_or_passed_on_is_done(task: str, settings: dict[str, Any]) -> None:
    result = run(plan(deadline_s=60.0), odd(task, **settings)).result
    assert (result.verdict, result.outcomes["done"]) == ("held", 4), result.sentence


@pytest.mark.slow
def test_what_has_expired_is_acknowledged_and_never_run() -> None:
    one = {"worker_concurrency": 1}
    result = run(plan(deadline_s=60.0), odd("expires", **one)).result
    (fate,) = result.fates
    assert fate.outcome == "lost" and len(fate.jobs) + result.outcomes["done"] == 4
    assert fate.detail == f"{LEFT} without running it"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "options", "pool", "record"),
    [
        ("slow", '{"timeout": 5}', False, "JobTimeoutException"),
        ("exits", "", False, "Work-horse terminated unexpectedly"),
        ("exits", "", True, "Work-horse terminated unexpectedly"),
        ("exits", '{"failure_ttl": 1}', False, ""),
    ],
)
def test_what_rq_gives_up_is_in_its_registry(
    task: str, options: str, pool: bool, record: str
) -> None:
    worker = f"{python_of(RQ)} -m rq.cli worker-pool payments -n 2" if pool else None
    result = run(plan(deadline_s=60.0), jobs(f"odd_jobs.{task}", options, worker)).result
    (fate,) = result.fates
    assert (fate.outcome, fate.jobs) == ("dead-lettered", (2,)), result.sentence
    assert fate.detail.startswith("the registry rq:failed:payments") and record in fate.detail
