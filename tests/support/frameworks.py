"""Apps on real libraries, in environments of their own, and small plans for them."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
from jobquake import apps
from jobquake.environments.cache import environment
from jobquake.frameworks.app import App
from jobquake.frameworks.sign import sign
from jobquake.frameworks.system import AppSystem
from jobquake.harness.faults import Fault
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue
from jobquake.harness.record.facts import Facts
from jobquake.harness.run import Run

APPS = Path(__file__).parent / "apps"
CELERY, RQ, DRAMATIQ = (sign(name).pins for name in ("celery", "rq", "dramatiq"))
GREEN = (*CELERY, "gevent==26.9.0", "eventlet==0.41.3")
LATE = {"task_acks_late": True, "task_reject_on_worker_lost": True}
ONE_AT_A_TIME = {"worker_concurrency": 1, "worker_prefetch_multiplier": 1}


@cache
def python_of(pins: tuple[str, ...]) -> str:
    """The Python of an environment with these versions; made once, kept in the user's cache."""
    return str(environment(*pins))


def shop(
    *settings: Mapping[str, object],
    task: str = "shop.charge",
    worker: str | None = None,
    pins: tuple[str, ...] = CELERY,
) -> AppSystem:
    """The Celery app with these settings of Celery's."""
    together = {name: value for some in settings for name, value in some.items()}
    env: Mapping[str, str] = {"SHOP_SETTINGS": json.dumps(together)}
    found = App("shop:app", task, python_of(pins), APPS, worker, "shop:order_of", env=env)
    return apps.system_of(found)


def jobs(task: str = "jobs.charge", worker: str | None = None, options: str = "") -> AppSystem:
    """The RQ queue."""
    found = App("jobs:queue", task, python_of(RQ), APPS, worker, "[7]", options)
    return apps.system_of(found)


def actors(
    task: str = "charge", words: str = "-p 1 -t 2", settings: Mapping[str, int] | None = None
) -> AppSystem:
    """The Dramatiq broker with these settings of RedisBroker's."""
    python = python_of(DRAMATIQ)
    worker = f"{python} -m dramatiq actors:broker {words}"
    env = {"BROKER_SETTINGS": json.dumps(settings or {})}
    return apps.system_of(App("actors:broker", task, python, APPS, worker, "[7]", env=env))


def clerk(
    task: str = "clerk.charge", rescues: str = "", settings: Mapping[str, float] | None = None
) -> AppSystem:
    """The Procrastinate app, with a task by that line of cron that retries jobs of dead workers."""
    env = {"CLERK_RESCUES": rescues, "CLERK_WORKER": json.dumps(settings or {})}
    found = App(
        "clerk:app", task, python_of(sign("procrastinate").pins), APPS, None, "[7]", env=env
    )
    return apps.system_of(found)


def app_on(
    library: str,
    target: str,
    task: str,
    words: str = "",
    settings: Mapping[str, object] | None = None,
    options: str = "",
) -> AppSystem:
    """An app on that library, whose worker is started with these words besides the usual ones.

    ``settings``: what the app finds as SETTINGS.
    """
    python = python_of(sign(library).pins)
    env = {"SETTINGS": json.dumps(settings or {})}
    app = App(target, task, python, APPS, None, "[7]", options, env=env)
    system = apps.system_of(app)
    if not words:
        return system
    usual = system.library.worker(python, target, system.looked, (), 0)
    return apps.system_of(dataclasses.replace(app, worker=shlex.join([*usual, *words.split()])))


def recovered_s(done: Run) -> float:
    """The longest that a job waited for its next begin when whoever had it was dead; nan: none."""
    return float(np.nanmax(Facts(done.plan, done.claims, done.history).recovered_s))


def plan(*faults: Fault, count: int = 4, workers: int = 1, deadline_s: float = 30.0) -> Plan:
    """A few jobs at once, and what strikes them."""
    return Plan(
        scenario="test",
        variant="default",
        seed=0,
        queues=(Queue("default"),),
        pools=(Pool("all", ("default",), workers),),
        jobs=tuple(PlannedJob(0.1 * number, 0, 0.05) for number in range(count)),
        faults=faults,
        guarantees=("no_lost_work", "progress_after_heal"),
        sink="blind",
        deadline_s=deadline_s,
        max_deliveries=1_000_000,
        producers=1,
    )
