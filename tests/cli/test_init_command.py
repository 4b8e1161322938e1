"""``jobquake init adapter``: what it writes runs, is typed, and says what is left to write."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import jobquake
import pytest
from click.testing import CliRunner, Result
from jobquake.adapters import RemoteQueue
from jobquake.backends import registry
from jobquake.cli.group import cli
from jobquake.commands import Command, Reply
from jobquake.harness.contract import comings_back, conversations
from jobquake.harness.contract.bench import Bench

pytest_plugins = ["pytester"]
ROOT = Path(jobquake.__file__).parent
ADAPTER, TEST = "jobquake_ring_buffer.py", "test_jobquake_ring_buffer.py"
LEFT = "server, enqueue, lease, ack, nack, extend, release, inspect, depths, dead_letters, replay"


def init(out: Path, name: str = "ring-buffer") -> Result:
    return CliRunner().invoke(cli, ["init", "adapter", name, "--out", str(out)])


@pytest.fixture
def written(tmp_path: Path) -> Path:
    done = init(tmp_path)
    assert done.exit_code == 0, done.output
    assert f"left to write in {ADAPTER}: {LEFT}\n" in done.output
    return tmp_path


def test_it_writes_an_adapter_its_contract_and_the_entry_point(written: Path) -> None:
    assert {file.name for file in written.iterdir()} == {ADAPTER, TEST, "pyproject.toml"}
    project = tomllib.loads((written / "pyproject.toml").read_text())["project"]
    assert project["entry-points"][registry.GROUP] == {
        "ring-buffer": "jobquake_ring_buffer:BACKEND"
    }
    text = (written / ADAPTER).read_text() + (written / TEST).read_text()
    assert "class RingBuffer:" in text and "class TestRingBuffer(QueueContract):" in text
    assert not any(word in text for word in ("my-queue", "my_queue", "MyQueue", "from ."))


def test_where_there_is_a_project_the_lines_to_add_are_printed(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    done = init(tmp_path)
    line = 'ring-buffer = "jobquake_ring_buffer:BACKEND"'
    assert f'[project.entry-points."jobquake.backends"]\n{line}\n' in done.output
    assert (tmp_path / "pyproject.toml").read_text() == "[project]\n"


@pytest.mark.parametrize("there", [ADAPTER, TEST])
def test_it_overwrites_nothing_and_then_writes_nothing(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine")
    done = init(tmp_path)
    assert done.exit_code == 2
    assert f"expected to write {tmp_path / there}, found that it is there already" in done.output
    assert [file.read_text() for file in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Ring", "expected a name of small letters, digits and single dashes"),
        ("../up", "expected a name of small letters, digits and single dashes"),
        ("9-lives", "expected a name of small letters, digits and single dashes"),
        ("reference", "expected a name that no backend has, found 'reference'"),
    ],
)
def test_a_name_that_cannot_be_is_refused(tmp_path: Path, name: str, told: str) -> None:
    done = init(tmp_path, name)
    assert done.exit_code == 2 and told in done.output
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = init(tmp_path / "file" / "below")
    assert done.exit_code == 3 and "expected to write" in done.output


@pytest.mark.slow
def test_what_it_writes_passes_strict_type_checks(written: Path) -> None:
    # As tools/types sees the package, which is under the same checks by itself.
    (written / "typing").mkdir()
    (written / "typing" / "jobquake").symlink_to(ROOT)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file", str(ROOT / "pyproject.toml"),
         ADAPTER, TEST],
        cwd=written, env=os.environ | {"MYPYPATH": str(written / "typing")},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


# -- what is left to write ----------------------------------------------------------------


def first_failure(folder: Path) -> list[str]:
    """What pytest says of the first test that fails there."""
    words = ["-q", "-x", "--tb=short", "-p", "no:cacheprovider", TEST]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_the_contract_says_what_to_write_next_in_one_line(written: Path) -> None:
    text = (written / ADAPTER).read_text()
    head, body = text.split("        raise NotImplementedError(\n", 1)
    served = head + "        return None\n" + body[body.index("        )\n") + 10 :]
    for step, call in ((text, "server()"), (served, "attempt(Enqueue)")):
        (written / ADAPTER).write_text(step)
        lines = first_failure(written)
        what = call.partition("(")[0] if step is text else "enqueue"
        told = f"expected the backend ring-buffer to answer every call, found that {call} is not "
        assert any(line.startswith(f"{told}written: {what}: ") for line in lines), lines
        assert not any("Traceback" in line or line.startswith("E  ") for line in lines)


class OnAFile:
    """The methods that are left to write, written with the reference queue on a file."""

    def __init__(self, module: ModuleType, folder: Path) -> None:
        self._kept = registry.find("reference-sqlite").connect(str(folder), 1.0)
        self.connection = module.RingBufferConnection(str(folder), 1.0)
        words = module.RingBufferConnection
        for name in LEFT.split(", ")[1:]:
            assert callable(getattr(words, name))
            setattr(self.connection, name, getattr(self, name))

    now = property(lambda self: time.monotonic())
    long_s = 0.0

    def _ask(self, command: Command) -> Any:
        return self._kept.attempt(command)

    def enqueue(self, *job: Any) -> Any:
        return self._ask(jobquake.commands.Enqueue(*job)).created

    def lease(self, *words: Any) -> Any:
        return self._ask(jobquake.commands.Lease(*words)).delivery

    def ack(self, *words: Any) -> Any:
        return self._ask(jobquake.commands.Ack(*words))

    def nack(self, *words: Any) -> Any:
        return self._ask(jobquake.commands.Nack(*words))

    def extend(self, *words: Any) -> Any:
        return self._ask(jobquake.commands.Extend(*words))

    def release(self, *words: Any) -> Any:
        return self._ask(jobquake.commands.Release(*words))

    def inspect(self, *words: Any) -> Any:
        return self._ask(jobquake.commands.Inspect(*words))

    def depths(self) -> Any:
        return self._ask(jobquake.commands.Measure()).depths

    def dead_letters(self, *words: Any) -> Any:
        return self._ask(jobquake.commands.ListDead(*words)).letters

    def replay(self, *words: Any) -> Any:
        return self._ask(jobquake.commands.Replay(*words)).job_ids

    def call(self, command: Command) -> Reply:
        reply: Reply = self.connection.attempt(command)
        return reply

    def wait(self, seconds: float) -> None: ...
    def crash(self) -> None: ...
    def keep_house(self) -> None: ...


PRACTICES = [
    conversations.nothing_is_forgotten,
    conversations.enqueue_may_be_repeated,
    conversations.a_job_handed_back_is_ready_at_once_and_not_a_failure,
    comings_back.dead_letters_tell_why_and_can_be_found,
]


def test_once_the_methods_are_written_the_skeleton_answers_every_command(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(written)
    module = importlib.import_module("jobquake_ring_buffer")
    backend: RemoteQueue = module.BACKEND
    for number, practice in enumerate(PRACTICES):
        folder = written / str(number)
        folder.mkdir()
        stage = OnAFile(module, folder)
        practice(Bench(backend, stage))
        assert isinstance(stage.call(jobquake.commands.Measure()), jobquake.commands.Measured)
        assert stage.call(jobquake.commands.Replay(())) == jobquake.commands.Replayed(())
        extended = stage.call(jobquake.commands.Extend("strange", 1, 1.0))
        assert isinstance(extended, jobquake.commands.Settled) and not extended.accepted
