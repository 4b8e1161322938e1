"""Exploration on real Celery: it finds, repeats and shrinks what is known to be lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from jobquake.errors import INTERRUPTED, VIOLATED
from jobquake.harness.plan.plan import PlannedJob
from jobquake.harness.run_folder import load
from jobquake.sweep.boundaries import Boundary
from jobquake.sweep.exploring.attempt import Asked, attempt
from jobquake.sweep.exploring.draw import Ground, plan_of
from jobquake.sweep.exploring.strikes import strike_at
from jobquake.sweep.ways import way
from support.frameworks import APPS, CELERY, LATE, ONE_AT_A_TIME, python_of, shop

POP = Boundary("worker", "BRPOP celery", 0, True)
HOLD = Boundary("worker", "MULTI ZADD unacked_index + HSET unacked", 1)
GROUND = Ground("celery", (POP, HOLD), 4000.0, 4000.0)


def words(*more: str) -> list[str]:
    app = ["--app", "shop:app", "--task", "shop.charge", "--args", "[1]", "--app-dir", str(APPS)]
    return [sys.executable, "-m", "jobquake", "explore", *app, "--python", python_of(CELERY), *more]


@pytest.mark.slow
def test_celery_as_it_comes_loses_work_and_the_finding_is_small_and_kept(tmp_path: Path) -> None:
    done = subprocess.run(
        words("--budget", "10min", "--confirm", "3", "--patience", "30", "--real-time", "0s"),
        cwd=tmp_path, capture_output=True, text=True, timeout=1200,
    )  # fmt: skip
    assert done.returncode == VIOLATED, (done.stdout, done.stderr)
    folder = tmp_path / ".jobquake" / "explore-shop-app-shop.charge"
    seen = json.loads((folder / "explore.json").read_text())
    (found,) = seen["findings"]
    assert (found["outcome"], found["jobs"], found["workers"]) == ("lost", 1, 1)
    assert len(found["strikes"]) == 1 and found["minimal"]
    assert found["rate"]["failed"] >= 2 and found["rate"]["runs"] == 3
    assert f"lost: {found['told'][0]}" in done.stdout
    kept = load(folder / "finding-1")
    assert kept.result.verdict == "violated" and len(kept.plan.faults) == 1
    assert (folder / "finding-1" / "report.html").exists()
    assert found["told"][0] in (folder / "explore.html").read_text()


@pytest.mark.slow
def test_ctrl_c_ends_it_in_order_and_tells_what_there_is(tmp_path: Path) -> None:
    process = subprocess.Popen(
        words("--budget", "10min", "--keep-going"),
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout
    while "plans and" not in process.stdout.readline():
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    rest, errors = process.communicate(timeout=120)
    assert process.returncode in (INTERRUPTED, VIOLATED), (rest, errors)
    assert "interrupted then" in rest and "Traceback" not in errors
    assert (tmp_path / ".jobquake" / "explore-shop-app-shop.charge" / "explore.html").exists()


@pytest.mark.slow
def test_two_jobs_are_struck_at_two_boundaries_in_one_run() -> None:
    jobs = [PlannedJob(at_s, 0, 0.05) for at_s in (1.0, 6.0, 12.0)]
    faults = [
        strike_at(HOLD, way("killed before"), 0, 1),
        strike_at(POP, way("killed after"), 1, 0),
    ]
    asked = Asked(shop(LATE, ONE_AT_A_TIME), frozenset())
    ran = attempt(asked, plan_of(GROUND, jobs, 1, faults))
    assert (ran.outcomes, ran.struck) == (("lost", "lost", "done"), (0, 1))
    assert ran.broken == {"lost"} and ran.gravity == "violated"


@pytest.mark.slow
def test_held_work_is_told_as_that_and_a_strike_that_never_came_as_nothing() -> None:
    asked = Asked(shop(LATE, ONE_AT_A_TIME), frozenset())
    killed = strike_at(HOLD, way("killed after"), 0, 1)
    plan = plan_of(GROUND, [PlannedJob(1.0, 0, 0.05)], 1, [killed])
    ran = attempt(asked, plan)
    assert (ran.worst, ran.waits, ran.gravity) == ("held", True, "told")
    missed = plan_of(GROUND, plan.jobs, 1, [strike_at(HOLD, way("killed after"), 0, 9)])
    ran = attempt(asked, missed)
    assert (ran.worst, ran.outcomes, ran.gravity) == ("not hit", ("done",), "inconclusive")
