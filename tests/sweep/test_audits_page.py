"""docs/audits.md shows the code that there is, and what its sweeps show again."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jobquake
import pytest
from jobquake import apps
from jobquake.sweep.clean import clean_run
from jobquake.sweep.outcome import LOOKS, Outcome
from jobquake.sweep.ways import WAYS

ROOT = Path(jobquake.__file__).parent
PAGE = (ROOT / "docs" / "audits.md").read_text(encoding="utf-8")
TASKS = ast.parse((ROOT / "frameworks" / "demo" / "orders.py").read_text(encoding="utf-8"))
SIGNS = {look.sign: outcome for outcome, look in LOOKS.items()}


@pytest.fixture(autouse=True)
def _benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


def functions(source: str) -> Iterator[str]:
    """The tasks in it, without what no reader has to see."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.decorator_list:
            yield ast.unparse(node)


def test_the_code_on_the_page_is_the_code_of_the_app() -> None:
    shown = [
        function
        for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
        for function in functions(block)
    ]
    assert shown == list(functions(ast.unparse(TASKS)))
    assert len(shown) == 4


def grids() -> dict[tuple[str, str], dict[tuple[str, str], Outcome]]:
    """By task and settings: the outcome of each round trip, broken in each way."""
    found = dict[tuple[str, str], dict[tuple[str, str], Outcome]]()
    parts = re.split(r"^### (.+): (.+)$", PAGE, flags=re.MULTILINE)
    for title, settings, part in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        block = part.partition("```text\n")[2].partition("```")[0]
        trips = re.findall(r"^(\d+) +[\d.]+ s +(producer|worker) +(.+?)(?: \*)?$", block, re.M)
        names = {number: f"{side}: {name}" for number, side, name in trips}
        cells = dict[tuple[str, str], Outcome]()
        for way in WAYS:
            (line,) = re.findall(rf"^{way.name}  +(\S.*)$", block, re.MULTILINE)
            for name, sign in zip(names.values(), line.split(), strict=True):
                if sign != "-":
                    cells[name, way.name] = SIGNS[sign]
        found[title, settings] = cells
    return found


GRIDS = grids()


def test_the_page_has_each_grid_whole() -> None:
    from audits import ON_PAGE, READINGS

    assert list(GRIDS) == [(READINGS[task][0], settings) for task, settings in ON_PAGE]
    for cells in GRIDS.values():
        services = {name for name, _ in cells if re.match(r"worker: (db|payments|mails): ", name)}
        assert len(services) >= 3
        assert all((name, "killed after") in cells for name in services)
        assert not {"unproved", "not hit"} & {
            outcome for (name, _), outcome in cells.items() if name in services
        }


@pytest.mark.slow
@pytest.mark.parametrize(("title", "settings"), GRIDS, ids=str)
def test_what_is_broken_at_services_comes_out_again_as_on_the_page(
    title: str, settings: str, tmp_path: Path
) -> None:
    from audits import READINGS, SERVICES, audited

    (task,) = [task for task, (named, _) in READINGS.items() if named == title]
    told = GRIDS[title, settings]
    found = audited(task, settings, tmp_path, only=SERVICES)
    assert found.complete
    differs = [
        f"{cell.boundary}, {cell.way}: expected {told[cell.key]}, found {cell.outcome}: "
        f"{cell.sentence}"
        for cell in found.cells
        if cell.outcome != told[cell.key]
    ]
    assert not differs, "\n".join(differs)


@pytest.mark.slow
def test_what_a_second_job_with_the_same_arguments_does_is_not_expected_to_be_the_same() -> None:
    from audits import system_of

    system = system_of("mail_then_mark", "as it comes")
    same = apps.system_of(replace(system.app, args="[1]"))
    assert clean_run(same).behind == ()
    assert clean_run(same).effects == ("mails: POST /mails", "db: UPDATE orders")
    assert clean_run(system).behind == clean_run(system).effects
