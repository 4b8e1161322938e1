"""The examples of CONTRIBUTING.md, run as they stand: each does what the page says."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from jobquake.backends import registry as backends
from jobquake.harness.checks.finding import Judged
from jobquake.harness.drivers.sim import simulate
from jobquake.harness.facts import Facts
from jobquake.harness.history import Answer, Event, History, row
from jobquake.harness.result import judge

PAGE = Path(__file__).parent.parent / "CONTRIBUTING.md"


def examples() -> dict[str, str]:
    """Each complete file on the page, by the path that its comment gives."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    found = {}
    for block in blocks:
        named = re.search(r"^# (\S+\.py)$", block, re.MULTILINE)
        assert named, f"an example without its path: {block[:80]}"
        found[named[1]] = block
    return found


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch):
    """Import an example as the module it would be, without writing into the package."""

    def load(path: str) -> ModuleType:
        name = "jobquake." + path.removesuffix(".py").replace("/", ".")
        module = ModuleType(name)
        module.__package__ = name.rpartition(".")[0]
        monkeypatch.setitem(sys.modules, name, module)
        exec(compile(examples()[path], path, "exec"), module.__dict__)
        return module

    return load


def test_the_page_has_one_example_of_each() -> None:
    assert [path.rpartition("/")[0] for path in examples()] == [
        "harness/checks",
        "scenarios",
        "backends/twins",
        "backends",
    ]


def test_the_check_accepts_a_quick_answer_and_rejects_a_slow_one(example) -> None:
    check = example("harness/checks/enqueue_answered.py")
    plan = example("scenarios/lone_worker.py").SCENARIO.plan(0)

    def judged(answered_at_s: float) -> Judged:
        answer = row(answered_at_s, Event.ENQUEUE_ANSWERED, since=0.0, answer=Answer.OK, job=3)
        return check.judge(Facts(plan, backends.find("reference").claims, History([answer])))

    assert judged(0.5).verdict == "held"
    assert [finding.job for finding in judged(1.5).findings] == [3]


@pytest.mark.parametrize("seed", range(5))
def test_the_scenario_holds_and_finds_the_twin_and_the_list(example, seed: int) -> None:
    plan = example("scenarios/lone_worker.py").SCENARIO.plan(seed)
    twin = example("backends/twins/failure_drops.py").TWIN
    listed = example("backends/list_queue.py").LIST_QUEUE
    for adapter, verdict in (
        (backends.find("reference"), "held"),
        (twin, "violated"),
        (listed, "violated"),
    ):
        result = judge(plan, adapter, simulate(plan, adapter), "sim")
        assert result.verdict == verdict, (adapter.name, result.sentence)
        broken = {check.name for check in result.checks if check.verdict == "violated"}
        assert ("no_lost_work" in broken) == (verdict == "violated")
