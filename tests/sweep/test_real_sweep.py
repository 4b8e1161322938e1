"""The sweep on real Celery and RQ: what the clean run shows, and cells that are known by hand."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from jobquake import apps
from jobquake.errors import NothingProved
from jobquake.frameworks.app import App
from jobquake.frameworks.services import put
from jobquake.frameworks.system import AppSystem
from jobquake.servers.postgres import DATABASE, USER
from jobquake.sweep.boundaries import Boundary
from jobquake.sweep.cell import run_cell
from jobquake.sweep.clean import clean_run
from jobquake.sweep.sweep import sweep
from support.frameworks import APPS, LATE, jobs, python_of, shop
from support.frameworks import CELERY as CELERY_PINS

CELERY = [
    "producer: MULTI LLEN celery",
    "producer: MULTI SADD _kombu.binding.celery + SADD _kombu.binding_permanent.celery",
    "producer: LPUSH celery",
    "worker: BRPOP celery",
    "worker: MULTI ZADD unacked_index + HSET unacked",
    "worker: MULTI ZREM unacked_index + HDEL unacked",
]
HOLD = Boundary("worker", CELERY[4].partition(": ")[2], 1, True)
POP = Boundary("worker", "BRPOP celery", 0, True)
PUSH = Boundary("producer", "LPUSH celery", 1, True)
SOON_S = 60.0


def test_a_worker_killed_between_taking_a_job_and_noting_it_has_lost_it() -> None:
    cell = run_cell(shop(LATE), HOLD, "killed before", SOON_S)
    assert (cell.outcome, cell.behind) == ("lost", "done")
    assert "w1 was killed before its MULTI ZADD" in cell.sentence
    assert "--app shop:app" in cell.replay and "--task shop.charge" in cell.replay


@pytest.mark.slow
def test_what_a_cell_shows_in_leaping_time_is_seen_in_real_time_too() -> None:
    cell = run_cell(shop(LATE), HOLD, "killed before", SOON_S, confirm_s=120.0)
    assert cell.outcome == "lost" and cell.confirmation is not None
    assert cell.confirmation.sentence == "violated in real time, too"


@pytest.mark.slow
def test_a_clean_run_of_celery_shows_each_round_trip_of_a_job() -> None:
    found = clean_run(shop()).boundaries
    assert [boundary.key for boundary in found if not boundary.opens] == CELERY


@pytest.mark.slow
@pytest.mark.parametrize(
    ("boundary", "way", "outcome"),
    [
        (POP, "killed after", "lost"),
        (POP, "answer late", "lost"),
        (POP, "silence", "done"),
        (PUSH, "killed before", "not accepted"),
        (PUSH, "killed after", "untold"),
        (PUSH, "reset after", "run again"),
        (PUSH, "delivered twice", "run again"),
        (HOLD, "delivered twice", "done"),
        (POP, "delivered twice", "not hit"),
        (Boundary("worker", "LPOP nothing", 1), "killed after", "not hit"),
    ],
)
def test_cells_of_celery_that_are_known_by_hand(boundary: Boundary, way: str, outcome: str) -> None:
    assert run_cell(shop(LATE), boundary, way, SOON_S).outcome == outcome


def started(system: AppSystem, folder: Path, told: list[int], budget_s: float = 1e9) -> None:
    swept = sweep(
        system, folder, only=("RPUSH",), budget_s=budget_s, tell=lambda now: told.append(now.done)
    )
    assert [b.label for b in swept.boundaries] == ["MULTI HSET rq:job:ID + RPUSH rq:queue:payments"]
    if swept.complete:
        outcomes = {cell.way: cell.outcome for cell in swept.cells}
        assert outcomes["killed before"] == outcomes["request lost"] == "not accepted"
        assert outcomes["killed after"] == outcomes["answer lost"] == "untold"


@pytest.mark.slow
def test_a_sweep_goes_on_where_its_budget_ended(tmp_path: Path) -> None:
    first, second = list[int](), list[int]()
    started(jobs(), tmp_path, first, budget_s=4.0)
    started(jobs(), tmp_path, second)
    assert first[0] == 0 and second[0] == first[-1] and second[-1] == 8


SERVICE = f"{sys.executable} {APPS / 'any_service.py'} {{port}}"
CHARGED = Boundary("worker", "payments: POST /charges", 1, service="payments")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "outcome"),
    [("orders.charge_then_update", "repeated"), ("orders.charge_with_key", "done")],
)
def test_a_worker_that_dies_between_charge_and_update_charges_twice_without_a_key(
    task: str, outcome: str
) -> None:
    services = tuple(
        put(f"{name}=localhost:{port}={SERVICE}")
        for name, port in (("payments", 8475), ("orders", 8476))
    )
    app = App("orders:app", task, python_of(CELERY_PINS), APPS, None, "[1]", services=services)
    system = apps.system_of(app)
    clean = clean_run(system)
    assert [b.trip for b in clean.boundaries if b.service] == list(clean.effects)
    cell = run_cell(
        system, CHARGED, "killed after", 400.0, clean=clean.effects, behind=clean.behind
    )
    assert cell.outcome == outcome
    assert "payments: POST /charges was carried out 2 times instead of 1" in cell.sentence


DATABASE_URL = f"postgresql://{USER}@localhost:5439/{DATABASE}?sslmode=disable&gssencmode=disable"
WITH_PSYCOPG = (*CELERY_PINS, "psycopg==3.3.9", "psycopg-binary==3.3.9")


def with_database(task: str) -> AppSystem:
    said = [
        f"payments=localhost:8475={SERVICE}",
        f"db=localhost:5439={sys.executable} {APPS / 'shop_db.py'} {{port}}",
    ]
    app = App("orders:app", f"orders.{task}", python_of(WITH_PSYCOPG), APPS, None, "[1]")
    services = tuple(map(put, said))
    return apps.system_of(replace(app, env={"DATABASE_URL": DATABASE_URL}, services=services))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "after", "outcome", "words"),
    [
        ("insert_then_charge", "INSERT INTO payments", "done", "done"),
        ("insert_then_charge", "COMMIT", "repeated", "db: INSERT INTO payments was carried out 2"),
        ("upsert_with_key", "COMMIT", "done", "2 times instead of 1 (the second time it changed"),
    ],
)
def test_what_a_database_was_told_counts_from_its_commit_on(
    task: str, after: str, outcome: str, words: str
) -> None:
    system = with_database(task)
    clean = clean_run(system)
    struck = next(b for b in clean.boundaries if b.trip == f"db: {after}")
    cell = run_cell(system, struck, "killed after", 400.0, clean=clean.effects, behind=clean.behind)
    assert (cell.outcome, words in cell.sentence) == (outcome, True)


@pytest.mark.slow
def test_a_task_whose_second_job_fails_is_told_to_take_arguments_of_its_own() -> None:
    with pytest.raises(NothingProved, match="give each job arguments of its own: --args MODULE"):
        clean_run(with_database("insert_once"))
