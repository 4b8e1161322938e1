"""``jobquake.app``: somebody's own app in a test of theirs."""

from __future__ import annotations

import json
from pathlib import Path

import jobquake
import pytest
from click.testing import CliRunner
from jobquake import demos
from jobquake.cli.group import cli
from jobquake.harness.drivers.framework import FrameworkCrew
from jobquake.harness.run import run as carry_out
from jobquake.harness.run_folder import save
from support.frameworks import APPS, CELERY, LATE, RQ, python_of


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
    assert (result.verdict, result.outcomes["done"]) == ("held", 7), result.sentence
    (recovered,) = result.fates
    assert recovered.outcome == "recovered" and recovered.detail.startswith("after 3")
    assert 3600.0 < (result.recovery_s or 0.0) < 3800.0


@pytest.mark.slow
def test_a_worker_that_comes_back_and_says_nothing_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its successor runs without the probe, so whatever it does would be unseen."""
    monkeypatch.setattr(FrameworkCrew, "ready_within_s", 10.0)
    python, mark = python_of(CELERY), tmp_path / "came"
    usual = f"exec {python} -m celery -A shop:app worker -l INFO"
    script = tmp_path / "worker.sh"
    script.write_text(f"[ -e {mark} ] && exec sleep infinity\ntouch {mark}\n{usual}\n")
    env = {"SHOP_SETTINGS": json.dumps(LATE)}
    away = jobquake.app("shop:app", python=python, folder=APPS, worker=f"sh {script}", env=env)
    with pytest.raises(jobquake.JobquakeError, match="runs and says nothing"):
        away.run(task="shop.charge", args=[1], workers=1)


@pytest.mark.slow
def test_a_redis_that_keeps_snapshots_only_loses_what_came_since_when_it_crashes() -> None:
    away = shop(**LATE)
    run = away.run("broker-crash", task="shop.charge", args=[1], kill="child", snapshots=True)
    told = {check.name: check for check in run.result.checks}
    assert run.outcomes["lost"], run.outcomes
    assert told["no_lost_work"].note == "durability is not claimed"


def test_an_app_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(jobquake.JobquakeError, match="expected"):
        jobquake.app("nowhere:app", folder=APPS).run(task="shop.charge")


@pytest.mark.slow
def test_a_function_of_the_team_that_is_not_there_is_told() -> None:
    with pytest.raises(jobquake.JobquakeError, match="no function shop:orders makes arg"):
        shop().run(task="shop.charge", args="shop:orders")


@pytest.mark.slow
def test_a_task_that_cannot_work_at_all_proves_nothing_and_says_why(tmp_path: Path) -> None:
    app = jobquake.app("jobs:queue", python=python_of(RQ), folder=APPS)
    run = app.run(task="jobs.charge", args=[1, 2, 3], kill="child")
    assert run.verdict == "inconclusive"
    assert run.result.sentence.startswith("no job was done; of job ")
    assert "TypeError: charge() takes" in run.result.sentence
    save(run.whole, tmp_path / "run")
    again = CliRunner().invoke(cli, ["replay", str(tmp_path / "run")])
    assert again.exit_code == 2, "nobody's commands are run because a folder says so"
    assert f"add --app jobs:queue --app-dir {APPS} --task jobs.charge --args" in again.output


@pytest.mark.slow
def test_what_rq_does_with_options_of_the_team() -> None:
    app = jobquake.app("jobs:queue", python=python_of(RQ), folder=APPS)
    plain = app.run(task="jobs.charge", args=[1], kill="child")
    again = app.run(task="jobs.charge", args=[1], options={"retry": 3}, kill="child")
    assert (plain.verdict, again.verdict) == ("held", "held")
    # One job of the scenario kills whatever runs it, each time.
    assert plain.outcomes["dead-lettered"] > 1 == again.outcomes["dead-lettered"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("worker", "sentence"),
    [
        ("celry -A shop worker", "a command that can be started, found 'celry': No such file"),
        ("celery -A shop worker --nonesuch", "No such option '--nonesuch'"),
        ("python -c pass", "ended 5 times before it worked, and said last: nothing"),
    ],
    ids=["not there", "wrong option", "ends"],
)
def test_a_worker_that_does_not_start_is_one_sentence_with_its_last_words(
    worker: str, sentence: str
) -> None:
    app = jobquake.app("shop:app", python=python_of(CELERY), folder=APPS, worker=worker)
    with pytest.raises(jobquake.JobquakeError) as caught:
        app.run(task="shop.charge", args=[1], kill="child")
    assert str(caught.value).startswith("expected ") and sentence in str(caught.value)
    assert "\n" not in str(caught.value)
