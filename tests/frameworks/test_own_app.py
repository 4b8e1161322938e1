"""``jobquake.app``: somebody's own app in a test of theirs."""

from __future__ import annotations

import json
from pathlib import Path

import jobquake
import pytest
from jobquake import demos
from jobquake.harness.run import run as carry_out
from support.frameworks import APPS, CELERY, LATE, python_of


def shop(**settings: object) -> jobquake.OwnApp:
    env = {"SHOP_SETTINGS": json.dumps(settings)}
    return jobquake.app("shop:app", python=python_of(CELERY), folder=APPS, env=env)


@pytest.mark.slow
def test_a_default_celery_fails_the_test_with_the_story(tmp_path: Path) -> None:
    run = shop().run("worker-kill-before-ack", task="shop.charge", args=[1], kill="child")
    assert run.verdict == "violated" and run.outcomes["lost"]
    with pytest.raises(AssertionError, match=r"worker-kill-before-ack.* was accepted") as told:
        run.assert_no_work_lost()
    assert "was killed" in str(told.value)
    assert "shop:app" in run.page(tmp_path / "page.html").read_text()


@pytest.mark.slow
def test_with_late_acks_what_a_killed_child_held_is_run_again() -> None:
    args = "shop:order_of"
    run = shop(**LATE).run("worker-kill-before-ack", task="shop.charge", args=args, kill="child")
    run.assert_no_work_lost()
    run.assert_nothing_stuck()
    assert run.outcomes["run again"]


@pytest.mark.slow
def test_an_hour_of_visibility_timeout_is_waited_for() -> None:
    experiment, system = demos.celery(safe=True)
    result = carry_out(experiment.plan, system, time="leap").result
    assert (result.verdict, result.outcomes["done"]) == ("held", 8), result.sentence
    assert 3600.0 < (result.recovery_s or 0.0) < 3800.0


def test_an_app_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(jobquake.JobquakeError, match="expected"):
        jobquake.app("nowhere:app", folder=APPS).run(task="shop.charge")
