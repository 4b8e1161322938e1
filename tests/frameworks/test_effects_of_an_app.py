"""What an app's jobs did to the world, as far as somebody knows it: absorbed, or applied twice."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import jobquake
import pytest
from jobquake.effects.source import Function, Query, parse
from jobquake.errors import NothingProved, UsageError
from jobquake.frameworks.app import App
from jobquake.frameworks.tally import EffectTally, names
from support.frameworks import APPS, CELERY, LATE, python_of

SOON = {"visibility_timeout": 30, "unacked_restore_interval": 1, "unacked_restore_throttle": 1}
JOBS = ["job-0", "job-1", "job-2"]
PLAIN = """
ORDERS = []

def order_of(number):
    return [f"order-{number}", 7]

def listed():
    return open("charged").read().split()
"""


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A folder with an app that needs no library, and what it has charged."""
    (tmp_path / "plain.py").write_text(PLAIN)
    (tmp_path / "charged").write_text("order-9 ")
    return tmp_path


def app_in(folder: Path, **more: Any) -> App:
    return App("plain:app", "plain.charge", folder=folder, **more)


def test_an_effect_is_called_as_the_first_argument_where_that_tells_jobs_apart(plain: Path) -> None:
    given = app_in(plain, args="plain:order_of")
    assert names(given, JOBS) == ["order-0", "order-1", "order-2"]
    assert names(app_in(plain, args="[7]"), JOBS) == JOBS
    assert names(app_in(plain), JOBS) == JOBS


def test_or_as_somebody_says(plain: Path) -> None:
    given = app_in(plain, args="plain:order_of", effect_id="charge/{0}/{number}/{job}")
    assert names(given, JOBS)[1] == "charge/order-1/1/job-1"
    assert names(app_in(plain, args='{"order": 3}', effect_id="{order}-{number}"), JOBS) == [
        "3-0", "3-1", "3-2"
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["{5}", "{order", "{nobody}"])
def test_a_name_that_cannot_be_made_is_one_sentence(plain: Path, name: str) -> None:
    with pytest.raises(UsageError, match="expected --effect-id to name arguments"):
        names(app_in(plain, args="plain:order_of", effect_id=name), JOBS)


def test_a_name_for_several_jobs_is_one_sentence(plain: Path) -> None:
    with pytest.raises(UsageError, match="found '7' for 3 of them"):
        names(app_in(plain, args="plain:order_of", effect_id="{1}"), JOBS)


def test_what_was_there_before_the_run_does_not_count(plain: Path) -> None:
    tally = EffectTally(app_in(plain, args="plain:order_of"), Function("plain:listed"), JOBS)
    (plain / "charged").write_text("order-9 order-0 order-0 order-2 other")
    assert tally.count(3) == ({0: 2, 1: 0, 2: 1}, 1)


def test_effects_that_no_job_can_have_had_are_one_sentence(plain: Path) -> None:
    tally = EffectTally(app_in(plain), Function("plain:listed"), JOBS)
    with pytest.raises(NothingProved, match=r"effects of the 2 jobs .* found none"):
        tally.count(2)
    assert tally.count(0) == ({0: 0, 1: 0, 2: 0}, 0)
    (plain / "charged").write_text("order-9 order-0")
    with pytest.raises(UsageError, match=r"such as 'job-0', .* found 'order-0'; say with --effect"):
        tally.count(2)


def bank(folder: Path, **env: str) -> jobquake.OwnApp:
    there = {"SHOP_SETTINGS": json.dumps(LATE), "BANK_BOOKS": str(folder / "books.db"), **env}
    return jobquake.app("bank:app", python=python_of(CELERY), folder=APPS, env=there)


@pytest.mark.slow
def test_a_task_that_is_not_safe_to_repeat_has_its_effect_twice(tmp_path: Path) -> None:
    books = bank(tmp_path)
    run = books.run(
        task="bank.charge",
        args="bank:order_of",
        kill="child",
        effects="bank:charged",
        properties=[jobquake.never("bank:charged", lambda found: len(found) > 1000)],
    )
    run.assert_no_work_lost()
    assert run.outcomes["duplicated"] and not run.outcomes["run again"]
    with pytest.raises(AssertionError, match="was applied 2 times"):
        run.assert_no_duplicated_effects()
    told = {check.name: check.verdict for check in run.result.checks}
    assert told["never: bank:charged"] == "held"
    query = f"sql:sqlite:///{tmp_path}/books.db:select id from charges"
    assert isinstance(parse(query), Query)


@pytest.mark.slow
@pytest.mark.parametrize("keys", [False, True])
def test_the_sink_absorbs_what_has_a_key(tmp_path: Path, keys: bool) -> None:
    books = bank(tmp_path, **({"BANK_KEYS": "yes"} if keys else {}))
    run = books.run(task="bank.pay", args="bank:order_of", kill="child", effects="sink")
    run.assert_no_work_lost()
    again, twice = run.outcomes["run again"], run.outcomes["duplicated"]
    assert (again > 0, twice > 0) == (keys, not keys), run.outcomes
    if keys:
        run.assert_no_duplicated_effects()
        (absorbed,) = (fate for fate in run.fates if fate.outcome == "run again")
        assert absorbed.detail == "absorbed: its effect happened once"


@pytest.mark.slow
def test_what_is_always_so_is_asked_while_the_run_goes_on(tmp_path: Path) -> None:
    books = bank(tmp_path)
    said = [jobquake.always("bank:nobody_paid_twice"), jobquake.eventually("bank:charged")]
    run = books.run(task="bank.charge", args="bank:order_of", kill="child", properties=said)
    told = {check.name: check.verdict for check in run.result.checks}
    assert told["always: bank:nobody_paid_twice"] == "violated"
    assert told["eventually: bank:charged"] == "held"
    assert "effects were not counted" in run.page(tmp_path / "page.html").read_text()


def test_effects_of_jobquake_s_own_task_are_one_sentence() -> None:
    with pytest.raises(UsageError, match="expected --task beside --effects"):
        jobquake.app("shop:app", folder=APPS).run(effects="sink")


@pytest.mark.slow
def test_effects_are_counted_in_real_time_too(tmp_path: Path) -> None:
    books = bank(tmp_path)
    books_db = tmp_path / "books.db"
    sqlite3.connect(books_db).execute("create table charges (id text)")
    run = books.run(
        task="bank.charge",
        args="bank:order_of",
        kill="child",
        time="real",
        effects=f"sql:sqlite:///{books_db}:select id from charges",
        properties=[jobquake.eventually("bank:charged", lambda found: len(found) >= 40)],
    )
    run.assert_no_work_lost()
    assert run.result.environment["time"].startswith("real")
    with sqlite3.connect(books_db) as found:
        rows = [row[0] for row in found.execute("select id from charges")]
    twice = sum(rows.count(name) > 1 for name in set(rows))
    assert run.outcomes["duplicated"] == twice > 0, (run.outcomes, len(rows))
    told = {check.name: check.verdict for check in run.result.checks}
    assert told["eventually: bank:charged"] == "held"


@pytest.mark.slow
def test_a_solo_worker_that_dies_whole_charges_twice_and_the_run_ends(tmp_path: Path) -> None:
    """Twenty deaths leave twenty workers' connections behind, which must not slow the clock."""
    books_db = tmp_path / "books.db"
    sqlite3.connect(books_db).execute("create table charges (id text)")
    settings = {**LATE, "worker_pool": "solo", "broker_transport_options": SOON}
    books = bank(tmp_path, SHOP_SETTINGS=json.dumps(settings))
    run = books.run(
        task="bank.charge",
        args="bank:order_of",
        kill="worker",
        effects=f"sql:sqlite:///{books_db}:select id from charges",
        confirm_s=0.0,
    )
    run.assert_no_work_lost()
    assert run.verdict == "violated" and run.outcomes["duplicated"] > 0, run.outcomes
    assert run.outcomes["stuck"] == 0
