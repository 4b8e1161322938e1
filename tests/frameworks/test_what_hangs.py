"""A job that hangs in a living worker is not lost: whoever has it is named, by each library."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from jobquake.frameworks.system import AppSystem
from jobquake.harness.plan.plan import Plan
from jobquake.harness.run import run
from msgspec.structs import replace
from support.frameworks import LATE, actors, app_on, clerk, jobs, plan, shop

NO_LIMIT = {"job_timeout": 100_000}
HANGS = 2

Case = tuple[Callable[[], AppSystem], str]
CASES: dict[str, Case] = {
    "celery": (lambda: shop(task=""), ""),
    "celery, threads": (lambda: shop({"worker_pool": "threads"}, task=""), ""),
    "celery, late": (lambda: shop(LATE, task=""), "the hash unacked"),
    # Its ack is to be sent by the loop in which the task runs.
    "celery, solo": (lambda: shop({"worker_pool": "solo"}, task=""), "the hash unacked"),
    "rq": (lambda: jobs("", options='{"timeout": -1}'), "the registry rq:wip:payments"),
    "dramatiq": (lambda: actors(""), "what process .* has fetched"),
    "taskiq, a list": (lambda: app_on("taskiq", "couriers:patient", ""), ""),
    "taskiq, a stream": (lambda: app_on("taskiq", "couriers:kept", ""), "kept"),
    "arq": (lambda: app_on("arq", "waiters:WorkerSettings", "", settings=NO_LIMIT), "arq:queue"),
    "saq": (lambda: app_on("saq", "sacks:settings", "", options='{"timeout": 0}'), "the queue"),
    "huey": (lambda: app_on("huey", "honey:huey", ""), ""),
    "huey, processes": (lambda: app_on("huey", "honey:huey", "", "-k process -w 2"), ""),
    "procrastinate": (lambda: clerk(""), "procrastinate_jobs"),
}


def hanging() -> Plan:
    """Four jobs, of which one never comes back, and two workers."""
    usual = plan(workers=2)
    ways = ("hang" if number == HANGS else "ok" for number in range(len(usual.jobs)))
    mixed = (replace(job, behaviour=way) for job, way in zip(usual.jobs, ways, strict=True))
    return replace(usual, jobs=tuple(mixed))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_what_a_living_worker_still_runs_is_stuck_with_it(case: str) -> None:
    system, place = CASES[case]
    result = run(hanging(), system()).result
    assert (result.outcomes["stuck"], result.outcomes["done"]) == (1, 3), result.sentence
    (fate,) = result.fates
    told = f"{place}.*, and w[12], which still runs it" if place else "w[12], which still runs it"
    assert fate.jobs == (HANGS,) and re.match(told, fate.detail), fate.detail


@pytest.mark.slow
def test_what_was_in_a_process_that_the_library_replaced_is_lost() -> None:
    """redis-py 8 ends a wait for a message after five seconds, and with that taskiq a process."""
    result = run(hanging(), app_on("taskiq", "couriers:popped", "")).result
    (fate,) = result.fates
    assert (fate.outcome, fate.jobs) == ("lost", (HANGS,)), result.sentence
