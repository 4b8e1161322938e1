"""The board: what is on it, that each setting has a reason, that it goes on where it ended."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jobquake.board import board as boards
from jobquake.board.board import Board, places, play
from jobquake.board.cell import Cell, Ran
from jobquake.board.columns import COLUMNS, JOBS, column, plan_of
from jobquake.errors import UsageError
from jobquake.frameworks.app import App
from jobquake.frameworks.library import Looked, find
from jobquake.frameworks.shop import CONFIGURATIONS, app_of, shops
from jobquake.frameworks.sign import names
from jobquake.frameworks.system import AppSystem
from jobquake.harness.plan.replay import decode, encode
from jobquake.reports import board as told


def test_every_library_has_a_shop_and_every_setting_of_safe_a_reason() -> None:
    assert {library for library, _ in shops().values()} == set(names())
    for library, shop in shops().values():
        assert shop.safe and all(len(one.why) > 20 for one in shop.safe), shop.name
        assert json.loads(app_of(library, shop, "default", "python").env["SHOP"]) == {}
        said = app_of(library, shop, "safe", "python")
        given = {one.name for one in shop.safe if one.of == "app"}
        assert set(json.loads(said.env["SHOP"])) == given


def test_cells_are_chosen_by_a_part_of_their_name() -> None:
    assert len(places(())) == len(shops()) * len(CONFIGURATIONS) * len(COLUMNS)
    assert places(["huey/safe/poison"]) == [("huey", "safe", "poison")]
    assert {shop for shop, _, _ in places(["rq/"])} == {"rq"}
    assert {shop for shop, _, _ in places(["taskiq"])} == {"taskiq-list", "taskiq-stream"}
    with pytest.raises(
        UsageError, match="a beginning of SHOP, CONFIGURATION or COLUMN, found 'x/'"
    ):
        places(["huey", "x/"])


@pytest.mark.parametrize("name", [column.name for column in COLUMNS])
def test_a_column_is_a_plan_that_waits_for_the_library_and_can_be_replayed(name: str) -> None:
    looked = Looked("saq", "3.11", "0.26.4", "redis://localhost", settings={"sweep": 60})
    system = AppSystem(App("shop:settings"), find("saq"), looked)
    plan = plan_of(column(name), 7, system)
    assert plan == plan_of(column(name), 7, system) != plan_of(column(name), 8, system)
    assert decode(encode(plan, "saq", "process")).plan == plan
    assert len(plan.jobs) == JOBS
    assert plan.deadline_s > find("saq").recovery(looked).seconds


def ran(outcome: str, recovery_s: float | None = None) -> Ran:
    return Ran(outcome, "held", {outcome: 1}, f"1 <b>{outcome}</b>", recovery_s=recovery_s)


def test_what_differs_between_runs_is_told_the_gravest_first() -> None:
    runs = (ran("recovered", 42.0), ran("lost"), ran("recovered", 40.0))
    cell = Cell("huey", "safe", "poison", "Huey 3.5.4", 0, runs, "a rule")
    shown = told.shown(cell)
    assert (shown.words, shown.gravity) == ("lost 1, recovered 2", "violated")
    assert shown.waits == "after 40.00 s to 42.00 s"
    board = Board((cell,), 2, 0, 3, 5.0)
    assert not board.complete
    table = told.markdown(board, "jobquake matrix")
    assert "| huey (Huey 3.5.4) | safe | lost 1, recovered 2 after 40.00 s to 42.00 s |" in table
    assert "- huey, safe: a rule" in table and "- `-k process`: a process that dies" in table
    assert 'jobquake matrix --only "huey/safe/poison" --seed 0 --times 3' in table
    page = told.page(board)
    assert "<b>lost</b>" not in page and "&lt;b&gt;lost&lt;/b&gt;" in page


@pytest.mark.slow
def test_a_board_goes_on_where_it_ended(tmp_path: Path) -> None:
    only = ["huey/default/process killed", "saq/safe/worker killed"]
    first = play(tmp_path, only=only[:1], times=1)
    assert [one.outcome for cell in first.cells for one in cell.runs] == ["lost"]
    assert first.cells[0].runs[0].confirmed == "confirmed"
    done: list[Cell] = []
    both = play(tmp_path, only=only, times=1, tell=lambda cell, *_: done.append(cell))
    assert both.complete and [cell.shop for cell in done] == ["saq"]
    assert both.cells[0] == first.cells[0] and both.cells[1].recoveries_s
    assert boards.play(tmp_path, only=only, times=1).cells == both.cells
