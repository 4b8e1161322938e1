"""The examples of CONTRIBUTING.md, used as they stand: each does what the page says.

Those of the second half are files in a copy of the package, where nothing else was changed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
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
from msgspec.structs import replace

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


Example = Callable[[str], ModuleType]


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Example:
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
    assert list(dict.fromkeys(path.rpartition("/")[0] for path in examples())) == [
        "harness/checks",
        "harness/faults",
        "scenarios",
        "backends/reference/twins",
        "backends/built_in",
        "frameworks/libraries/penny",
        "proxy/toxics",
        "reports/formats",
        "cli/commands",
    ]


def test_the_check_accepts_a_quick_answer_and_rejects_a_slow_one(example: Example) -> None:
    check = example("harness/checks/enqueue_answered.py")
    plan = example("scenarios/lone_worker.py").SCENARIO.plan(0)

    def judged(answered_at_s: float) -> Judged:
        answer = row(answered_at_s, Event.ENQUEUE_ANSWERED, since=0.0, answer=Answer.OK, job=3)
        facts = Facts(plan, backends.find("reference").claims, History([answer]))
        told = check.judge(facts)
        assert isinstance(told, Judged)
        return told

    assert judged(0.5).verdict == "held"
    assert [finding.job for finding in judged(1.5).findings] == [3]


@pytest.mark.parametrize("seed", range(5))
def test_the_scenario_holds_and_finds_the_twin_and_the_list(example: Example, seed: int) -> None:
    plan = example("scenarios/lone_worker.py").SCENARIO.plan(seed)
    twin = example("backends/reference/twins/failure_drops.py").TWIN
    listed = example("backends/built_in/list_queue.py").BACKEND
    for adapter, verdict in (
        (backends.find("reference"), "held"),
        (twin, "violated"),
        (listed, "violated"),
    ):
        result = judge(plan, adapter, simulate(plan, adapter), "sim")
        assert result.verdict == verdict, (adapter.name, result.sentence)
        broken = {check.name for check in result.checks if check.verdict == "violated"}
        assert ("no_lost_work" in broken) == (verdict == "violated")


def test_the_format_passes_what_held_and_nothing_else_whatever_it_is_called(
    example: Example,
) -> None:
    tap = example("reports/formats/tap.py")
    plan = example("scenarios/lone_worker.py").SCENARIO.plan(0)
    twin = example("backends/reference/twins/failure_drops.py").TWIN
    hidden = replace(plan, scenario="lone # TODO\nok 3 - worker")
    runs = [run(plan, backends.find("reference"), "sim"), run(hidden, twin, "sim")]
    lines = tap.render(runs).splitlines()
    assert lines[:3] == ["TAP version 14", "1..2", "ok 1 - lone-worker on reference"]
    assert lines[3] == r"not ok 2 - lone \# TODO\nok 3 - worker on twin-failure-drops"
    assert lines[4] == f"# {runs[1].result.sentence}" and len(lines) == 5


# -- one file and no other line -----------------------------------------------------------

JUDGED = """
import jobquake
from msgspec.structs import replace

plan = jobquake.scenario("worker-kill-before-ack").plan(0)
run = jobquake.run(replace(plan, guarantees=("enqueue_answered", *plan.guarantees)), driver="sim")
print(run.result.checks[0].verdict, jobquake.checks.CHECKS["enqueue_answered"].title)
"""
SHOWN_AND_RUN = """
from jobquake.cli.group import cli

cli(["--help"], standalone_mode=False)
cli(["guarantees"], standalone_mode=False)
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the package in which each example is one more file."""
    folder = tmp_path_factory.mktemp("copy")
    aside = shutil.ignore_patterns(".*", "build", "tests", "docs", "*.egg-info")
    shutil.copytree(ROOT, folder / "jobquake", ignore=aside)  # with what Python has compiled
    for path, text in examples().items():
        file = folder / "jobquake" / path
        assert not file.exists()
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return folder


def python(copy: Path, *words: str, code: int = 0, folder: Path | None = None) -> str:
    """What Python prints that sees the copy; it must end with that code."""
    seen = os.pathsep.join([str(copy), str(ROOT / "tests")])
    done = subprocess.run(
        [sys.executable, *words], cwd=folder or copy, env={**os.environ, "PYTHONPATH": seen},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def listed(copy: Path) -> list[str]:
    """The first word of each line of ``jobquake list``."""
    lines = python(copy, "-m", "jobquake", "list").splitlines()
    return [line.split()[0] for line in lines]


def test_a_new_check_is_one_file(copy: Path) -> None:
    told = python(copy, "-c", JUDGED)
    assert told == "held every enqueue is answered within a second\n"


@pytest.mark.slow
def test_a_new_fault_is_one_file(copy: Path) -> None:
    """Planned, replayed, validated, drawn, explored, shrunk, carried out, told and pictured."""
    python(copy, str(ROOT / "tests/support/new_fault.py"), "slow_link", "slow link")


def test_a_new_scenario_is_one_file(copy: Path, listed: list[str]) -> None:
    told = python(copy, "-m", "jobquake", "run", "lone-worker", "--driver", "sim")
    assert re.match(r"held +lone-worker +reference ", told)
    assert listed.index("lone-worker") == listed.index("Backends:") - 1


def test_a_new_twin_is_one_file(copy: Path, listed: list[str]) -> None:
    words = ["run", "retry-storm", "--driver", "sim", "--backend", "twin-failure-drops"]
    told = python(copy, "-m", "jobquake", *words, code=1)
    assert re.match(r"violated +retry-storm +twin-failure-drops ", told)
    assert listed.index("twin-failure-drops") > listed.index("Backends:")


def test_a_new_backend_is_one_file(copy: Path, listed: list[str]) -> None:
    words = ["run", "worker-kill-before-ack", "--driver", "sim", "--backend", "list-queue"]
    told = python(copy, "-m", "jobquake", *words, code=1)
    assert re.match(r"violated +worker-kill-before-ack +list-queue ", told)
    assert listed.index("list-queue") > listed.index("Backends:")


@pytest.fixture
def till(tmp_path: Path) -> Path:
    """The folder of somebody's app on the library of the page."""
    return Path(shutil.copytree(ROOT / "tests/support/penny", tmp_path / "till"))


def test_a_new_library_is_one_folder(copy: Path, till: Path) -> None:
    """Listed; its app is found, and asked what it is."""
    told = python(copy, "-m", "jobquake", "list")
    assert "penny                    a Penny queue: redis==7.4.1" in told
    told = python(copy, "-m", "jobquake", "init", "--no-run", folder=till)
    assert told.startswith("found till:queue: Penny 1.0, tasks charge")


@pytest.mark.slow
def test_workers_of_a_new_library_are_killed_and_what_they_popped_is_lost(
    copy: Path, till: Path
) -> None:
    words = ["run", "worker-kill-before-ack", "--app", "till:queue", "--kill", "worker"]
    told = python(copy, "-m", "jobquake", *words, "--time", "real", code=1, folder=till)
    assert re.match(r"violated +worker-kill-before-ack:worker +till:queue ", told)
    assert "lost" in told


def test_a_new_toxic_is_one_file(copy: Path) -> None:
    python(copy, str(ROOT / "tests/support/new_toxic.py"))


def test_a_new_report_format_is_one_file(copy: Path, tmp_path: Path) -> None:
    words = ["run", "reply-lost", "--driver", "sim", "--format", "tap", "--report", str(tmp_path)]
    python(copy, "-m", "jobquake", *words)
    text = (tmp_path / "results.tap").read_text()
    assert text == "TAP version 14\n1..1\nok 1 - reply-lost on reference\n"


def test_a_new_command_is_one_file(copy: Path) -> None:
    told = python(copy, "-c", SHOWN_AND_RUN)
    assert re.search(r"^  guarantees +List the guarantees", told, re.MULTILINE)
    assert re.search(r"^no_lost_work +no accepted work is lost$", told, re.MULTILINE)
