"""The public doors: what users import, and what ``jobquake.run`` understands.

Whatever jobquake generates or tells people to write names nothing deeper than these.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import jobquake
import pytest
from jobquake import adapters, checks, commands, contract, errors, faults, strategies
from jobquake.errors import UsageError
from jobquake.harness.shrink import reproduce
from jobquake.lookup import UnknownName, WrongDriver

ROOT = Path(jobquake.__file__).parent
pytest_plugins = ["pytester"]
KILL, FLOOD = "worker-kill-before-ack", "slow-job-flood"
ROOMS = sorted(init.parent.name for init in ROOT.glob("*/__init__.py"))
ROOM = rf"jobquake\.(?:{'|'.join(ROOMS)})"
DEEP = re.compile(rf"(?:from|import) {ROOM}\b|{ROOM}\.\w+\.")
MODULES = (adapters, checks, commands, contract, errors, faults, strategies)
TINY = jobquake.Plan(
    scenario="tiny",
    variant="default",
    seed=0,
    queues=(jobquake.Queue("mail"),),
    pools=(jobquake.Pool("all", ("mail",), 1),),
    jobs=(jobquake.PlannedJob(0.0, 0, 0.1),),
    faults=(faults.KillAt(0, "mid_job"),),
    guarantees=("no_lost_work", "faults_hit"),
    must_hit=(("worker kill", "running"),),
    retry=jobquake.RetryPolicy(0.05, 2.0, 1.0, "full"),
)


# -- names --------------------------------------------------------------------------------


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_a_public_module_has_what_it_says(module: ModuleType) -> None:
    assert module.__doc__
    names = getattr(module, "__all__", None) or [n for n in vars(module) if n[0].isupper()]
    assert names and all(hasattr(module, name) for name in names)


def test_every_fault_is_public_under_the_name_of_its_class() -> None:
    for fault in faults.FAULTS.values():
        assert getattr(faults, fault.__name__) is fault
        assert fault.__name__ in faults.__all__


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_the_pages_import_nothing_deeper(page: str) -> None:
    assert not DEEP.findall((ROOT / page).read_text())


def test_a_generated_test_imports_nothing_deeper_and_shows_the_failure() -> None:
    replay = jobquake.encode(TINY, "twin-no-lease", "sim")
    source = reproduce.test_source(
        "a job is lost", "no_lost_work", "t", replay, "twin-no-lease", "sim"
    )
    assert not DEEP.findall(source)
    assert {
        node.module for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)
    } == {"jobquake"}
    made: dict[str, Any] = {}
    exec(compile(source, "test_made.py", "exec"), made)
    with pytest.raises(AssertionError, match="no_lost_work violated"):
        made["test_no_lost_work"]()


@pytest.mark.parametrize(
    "file", sorted(ROOT.glob("reports/**/*.*")), ids=lambda file: file.relative_to(ROOT).as_posix()
)
def test_a_report_tells_nobody_of_a_deep_place(file: Path) -> None:
    if file.suffix in (".py", ".html", ".js", ".css"):
        assert not DEEP.findall(file.read_text())


# -- run ----------------------------------------------------------------------------------


def test_a_name_an_object_and_a_plan_mean_the_same() -> None:
    scenario = jobquake.scenario(FLOOD)
    plan = scenario.plan(3, "isolated")
    said = [
        jobquake.run(f"{FLOOD}:isolated", driver="sim", seed=3),
        jobquake.run(FLOOD, "reference", "sim", variant="isolated", seed=3),
        jobquake.run(scenario, jobquake.backend("reference"), "sim", variant="isolated", seed=3),
        jobquake.run(plan, driver="sim"),
    ]
    assert len({run.result.replay for run in said}) == 1
    assert len({run.history.rows.tobytes() for run in said}) == 1


def test_the_fixture_and_the_function_are_one(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f"""
        import jobquake as api

        def test_same(jobquake):
            result = jobquake.run("{KILL}", backend="reference", driver="sim", seed=5)
            assert result == api.run("{KILL}", "reference", "sim", seed=5).result
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_a_scenario_names_its_only_driver() -> None:
    with pytest.raises(WrongDriver, match="expected the driver 'sim'"):
        jobquake.run("duplicate-a-day-later", driver="process")
    assert jobquake.run("duplicate-a-day-later").result.driver == "sim"


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"seed": "7"}, "expected a whole number as seed, found '7'"),
        ({"seed": True}, "expected a whole number as seed, found True"),
        ({"variant": 3}, "expected the name of a variant as variant, found 3"),
        ({"backend": 5}, "expected a name or an adapter as backend, found 5"),
        ({"what": 5}, "expected a name, a Scenario or a Plan as scenario, found 5"),
    ],
)
def test_a_wrong_type_is_one_sentence(asked: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=re.escape(sentence)) as caught:
        jobquake.run(**({"what": KILL, "driver": "sim"} | asked))
    assert "\n" not in str(caught.value)


def test_an_unknown_guarantee_is_known_before_anything_runs() -> None:
    from msgspec.structs import replace

    absurd = replace(TINY, guarantees=("no_lost_wurk",))
    with pytest.raises(UnknownName, match="did you mean 'no_lost_work'"):
        jobquake.run(absurd, driver="sim")
    with pytest.raises(ValueError, match="found 'no_lost_wurk'"):
        jobquake.validate(absurd)
    jobquake.validate(TINY)
