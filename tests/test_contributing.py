"""The examples of CONTRIBUTING.md, run as they stand: each does what the page says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from jobquake.backends import registry as backends
from jobquake.harness.drivers.sim import simulate
from jobquake.harness.finding import Judged
from jobquake.harness.record.facts import Facts
from jobquake.harness.record.history import Answer, Event, History, row
from jobquake.harness.result import judge
from jobquake.harness.run import run
from jobquake.proxy import Embedded
from jobquake.proxy.toxics import KINDS
from jobquake.proxy.toxics.toxic import Kind
from msgspec.structs import replace
from support.toxiproxy_lines import Lines, LineServer, call

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "CONTRIBUTING.md"


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
        "harness/faults",
        "scenarios",
        "backends/reference/twins",
        "backends",
        "proxy/toxics",
        "reports",
    ]


def test_the_check_accepts_a_quick_answer_and_rejects_a_slow_one(example) -> None:
    check = example("harness/checks/enqueue_answered.py")
    plan = example("scenarios/lone_worker.py").SCENARIO.plan(0)

    def judged(answered_at_s: float) -> Judged:
        answer = row(answered_at_s, Event.ENQUEUE_ANSWERED, since=0.0, answer=Answer.OK, job=3)
        return check.judge(Facts(plan, backends.find("reference").claims, History([answer])))

    assert judged(0.5).verdict == "held"
    assert [finding.job for finding in judged(1.5).findings] == [3]


def test_the_fault_is_one_file_and_no_other_line(tmp_path: Path) -> None:
    """Planned, replayed, validated, drawn, explored, shrunk, carried out, told and pictured."""
    aside = shutil.ignore_patterns(".*", "build", "tests", "docs", "__pycache__", "*.egg-info")
    shutil.copytree(ROOT, tmp_path / "jobquake", ignore=aside)
    path = "harness/faults/slow_link.py"
    (tmp_path / "jobquake" / path).write_text(examples()[path])
    program = [sys.executable, str(ROOT / "tests/support/new_fault.py"), "slow_link", "slow link"]
    done = subprocess.run(
        program, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("seed", range(5))
def test_the_scenario_holds_and_finds_the_twin_and_the_list(example, seed: int) -> None:
    plan = example("scenarios/lone_worker.py").SCENARIO.plan(seed)
    twin = example("backends/reference/twins/failure_drops.py").TWIN
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


def test_the_toxic_lets_data_pass_and_closes_when_its_time_is_over(
    example, monkeypatch: pytest.MonkeyPatch
) -> None:
    toxic = example("proxy/toxics/limit_time.py").LimitTime
    monkeypatch.setitem(KINDS, "limit_time", Kind(toxic))
    wanted = {"type": "limit_time", "attributes": {"time": 60_000}}
    with LineServer() as server, Embedded() as toxiproxy:
        toxics = "/proxies/p/toxics"
        listen = server.behind(toxiproxy)
        status, made = call(toxiproxy, "POST", toxics, wanted)
        assert status == 200 and made["attributes"] == {"time": 60_000}
        with Lines(listen) as client:
            assert client.ask("one") == "ONE"
            name = f"{toxics}/limit_time_downstream"
            call(toxiproxy, "PATCH", name, {"attributes": {"time": 50}})
            assert client.read_to_the_end() == "FIN"


def test_the_format_passes_what_held_and_nothing_else_whatever_it_is_called(example) -> None:
    tap = example("reports/tap.py")
    plan = example("scenarios/lone_worker.py").SCENARIO.plan(0)
    twin = example("backends/reference/twins/failure_drops.py").TWIN
    hidden = replace(plan, scenario="lone # TODO\nok 3 - worker")
    runs = [run(plan, backends.find("reference"), "sim"), run(hidden, twin, "sim")]
    lines = tap.render(runs).splitlines()
    assert lines[:3] == ["TAP version 14", "1..2", "ok 1 - lone-worker on reference"]
    assert lines[3] == r"not ok 2 - lone \# TODO\nok 3 - worker on twin-failure-drops"
    assert lines[4] == f"# {runs[1].result.sentence}" and len(lines) == 5
