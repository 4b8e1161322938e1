"""Nothing ends with exit 1 but a violation: what raises is told in one sentence, with its code."""

from __future__ import annotations

import inspect
import os
import pkgutil
import re
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import click
import jobquake
import pytest
from jobquake import lookup
from jobquake.backends import registry
from jobquake.backends.adapter import Framing
from jobquake.backends.built_in.reference import BACKEND as REFERENCE
from jobquake.blame import internal_error
from jobquake.cli import main
from jobquake.errors import BackendFailed, DamagedData, JobquakeError, UsageError
from jobquake.harness.contract.bench import Bench
from jobquake.harness.plan.replay import encode
from jobquake.harness.run import run
from jobquake.protocol.clock import Clock
from jobquake.protocol.commands import Job
from jobquake.scenarios import registry as scenarios

KILL, SHORT = "worker-kill-before-ack", "permanent-failure"
CALLS = ("local", "worker", "call", "next_change_at", "crash")


class RaisingQueue:
    """The reference queue, whose member of that name raises."""

    def __init__(self, queue: Any, member: str) -> None:
        self._queue, self._member = queue, member

    def __getattr__(self, name: str) -> Any:
        if name == self._member:
            return self._raise
        return getattr(self._queue, name)

    def _raise(self, *_: object) -> None:
        raise ZeroDivisionError("of the adapter")


class RaisingAdapter:
    """The reference backend, one of whose calls, or of its queue's, raises."""

    def __init__(self, member: str) -> None:
        self._member = member
        self.name = f"raises-in-{member}"

    def __getattr__(self, name: str) -> Any:
        if name == self._member:
            return self._raise
        return getattr(REFERENCE, name)

    def local(self, clock: Clock, rng: Random) -> Any:
        if self._member == "local":
            self._raise()
        return RaisingQueue(REFERENCE.local(clock, rng), self._member)

    def retaining(self, retention_s: float) -> RaisingAdapter:
        return self

    def _raise(self, *_: object) -> None:
        raise ZeroDivisionError("of the adapter")


def exit_code(
    monkeypatch: pytest.MonkeyPatch, folder: Path, backend: Any, *words: str
) -> int | str | None:
    """What the command line ends with, if every name of a backend means this one."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(lookup, "backend", lambda name: backend)
    monkeypatch.setattr(sys, "argv", ["jobquake", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


@pytest.mark.parametrize("member", CALLS)
@pytest.mark.parametrize("command", ["run", "explore", "soak", "replay"])
def test_an_adapter_that_raises_ends_with_3_and_one_sentence(
    member: str,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    scenario = "broker-crash" if member == "crash" else KILL
    replay = encode(scenarios.find(scenario).plan(0), "reference", "sim")
    words = {
        "run": ["run", scenario, "--driver", "sim"],
        "explore": ["explore", "mine", "--max-schedules", "400", "--jobs", "0"],
        "soak": ["soak", scenario, "--driver", "sim", "--for", "5s"],
        "replay": ["replay", replay],
    }[command]
    assert exit_code(monkeypatch, tmp_path, RaisingAdapter(member), *words) == 3
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert f"the backend raises-in-{member} to answer" in said
    assert "raised ZeroDivisionError: of the adapter" in said
    file = Path(re.findall(r"the traceback in (\S+)", said)[0])
    assert "ZeroDivisionError: of the adapter" in file.read_text()
    file.unlink()


class RaisingFraming:
    """The reference backend's framing, one of whose calls raises."""

    numbered = True

    def __init__(self, member: str) -> None:
        self._member = member

    def split(self, buffer: bytearray) -> list[bytes]:
        return self._unless("split").split(buffer)

    def describe(self, message: bytes) -> tuple[int, str, str]:
        return self._unless("describe").describe(message)

    def _unless(self, member: str) -> Framing:
        if member == self._member:
            raise ZeroDivisionError(f"of {member}")
        assert REFERENCE.framing
        return REFERENCE.framing


class OnRealProcesses:
    """The reference backend on real processes, with some members of its own."""

    name = "reference"

    def __init__(self, **members: Any) -> None:
        vars(self).update(members)

    def __getattr__(self, name: str) -> Any:
        return getattr(REFERENCE, name)


def of_the_tenant(folder: Path) -> None:
    raise ZeroDivisionError("of the tenant")


@pytest.mark.parametrize(
    ("backend", "call"),
    [
        (OnRealProcesses(framing=RaisingFraming("split")), "split()"),
        (OnRealProcesses(framing=RaisingFraming("describe")), "describe()"),
        (OnRealProcesses(vacate=of_the_tenant), "of_the_tenant()"),
        (OnRealProcesses(server=lambda folder, port: 1 / 0), "<lambda>()"),
    ],
    ids=["split", "describe", "vacate", "server"],
)
def test_an_adapter_that_raises_beside_real_processes_ends_with_3_and_leaves_nothing(
    backend: Any,
    call: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    assert exit_code(monkeypatch, tmp_path, backend, "run", SHORT, "--driver", "process") == 3
    said = capfd.readouterr().err
    assert "Traceback" not in said
    assert said.count("ZeroDivisionError") == 1
    assert f"the backend reference to answer every call, found that {call} raised" in said
    (left,) = (tmp_path / "tmp").iterdir()
    assert left.name.startswith("jobquake-traceback-")


def test_a_place_that_an_adapter_does_not_survive_is_told_and_one_that_is_not_there_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Moved(OnRealProcesses):
        def at(self, place: str) -> None:
            raise KeyError(place) if place == "nowhere" else ZeroDivisionError("of the place")

    real = registry.find
    monkeypatch.setattr(registry, "find", lambda name: Moved() if name == "mine" else real(name))
    with pytest.raises(BackendFailed, match=r"backend mine .* found that at\('here'\) raised Zero"):
        lookup.backend("mine@here")
    with pytest.raises(UsageError, match="found 'mine@nowhere'"):
        lookup.backend("mine@nowhere")


def test_the_command_is_named_and_one_mistake_is_written_once(tmp_path: Path) -> None:
    class Bad:
        def call(self, command: Any) -> None:
            raise ZeroDivisionError("of the queue")

    queue = OnRealProcesses(local=lambda clock, rng: Bad())
    said = set()
    for _ in range(3):
        with pytest.raises(pytest.fail.Exception, match=r"that call\(Enqueue\) raised") as raised:
            Bench(queue).enqueue(Job("1"))
        said.add(str(raised.value))
    (sentence,) = said
    Path(re.findall(r"the traceback in (\S+)", sentence)[0]).unlink()


def test_the_python_api_raises_what_the_command_line_tells() -> None:
    plan = scenarios.find(KILL).plan(0)
    with pytest.raises(BackendFailed, match="raises-in-call"):
        run(plan, RaisingAdapter("call"), "sim")


def test_a_bug_of_ours_ends_with_70_and_says_how_to_report_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def bug(*_: object) -> None:
        raise LookupError("a bug")

    monkeypatch.setattr("jobquake.harness.result.judge", bug)
    monkeypatch.setattr("jobquake.harness.run.judge", bug)
    assert exit_code(monkeypatch, tmp_path, REFERENCE, "run", KILL, "--driver", "sim") == 70
    said = capsys.readouterr().err
    assert "that is a bug of jobquake; please report it" in said
    Path(re.findall(r"the traceback in (\S+)", said)[0]).unlink()


# Programs for other environments than this one, and what builds the package before it is there.
ELSEWHERE = (
    "jobquake.backtests.apps.",
    "jobquake.frameworks.demo.",
    "jobquake.frameworks.inside.",
    "jobquake.leap.compiling",
)
IN_APPS = ("inside", "shop", "shop_rabbitmq")  # of a library: run in the app's environment only


def family() -> dict[str, type[BaseException]]:
    """Every exception class that a module of the package defines."""
    found: dict[str, type[BaseException]] = {}
    for module in pkgutil.walk_packages(jobquake.__path__, "jobquake."):
        top = module.name.split(".")[1]
        if top in ("tests", "benchmarks", "tools", "build", "setup", "_moved", "__main__"):
            continue
        of_library = module.name.startswith("jobquake.frameworks.libraries.")
        if module.name.startswith(ELSEWHERE) or (
            of_library and module.name.rpartition(".")[2] in IN_APPS
        ):
            continue
        classes = inspect.getmembers(import_module(module.name), inspect.isclass)
        found |= {  # click's own dress for an error is not one of ours
            name: value
            for name, value in classes
            if issubclass(value, BaseException)
            and value.__module__ == module.name
            and not issubclass(value, click.ClickException)
        }
    return found


def test_every_error_belongs_to_the_family_and_is_drawn_in_its_tree() -> None:
    errors = family()
    assert len(errors) > 30
    assert not [name for name, error in errors.items() if not issubclass(error, JobquakeError)]
    tree = import_module("jobquake.errors").__doc__ or ""
    assert not [name for name in errors if not re.search(rf"\b{name}\b", tree)]
    assert not [name for name, error in errors.items() if getattr(error, "exit_code", 0) == 1]
    damaged = [error for error in errors.values() if issubclass(error, DamagedData)]
    assert len(damaged) == 4 and {error.exit_code for error in damaged} == {3}, damaged


def test_a_corrupt_database_and_a_full_device_end_with_3(tmp_path: Path) -> None:
    (tmp_path / "queue.db").write_bytes(b"this is no database" * 100)
    words = [sys.executable, "-m", "jobquake"]
    broker = [*words, "broker", "--db", "queue.db", "--port", "0"]
    done = subprocess.run(broker, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, "Traceback" in done.stderr) == (3, False), done.stderr
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*words, "list"], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert (done.returncode, "Traceback" in done.stderr) == (3, False), done.stderr


def test_a_plugin_that_cannot_be_imported_is_named_and_the_rest_is_listed(tmp_path: Path) -> None:
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[jobquake.backends]\nbad-queue = broken:QUEUE\n"
        "[jobquake.scenarios]\nbad-story = broken:STORY\n"
    )
    (tmp_path / "broken.py").write_text("import a_module_that_nobody_has\n")

    def ended(*words: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "jobquake", *words], cwd=tmp_path, capture_output=True,
            text=True, env=os.environ | {"PYTHONPATH": str(tmp_path)},
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout, done.stderr

    code, listed, _ = ended("list")
    assert code == 0 and "twin-no-lease" in listed and KILL in listed
    for name in ("bad-queue", "bad-story"):
        (line,) = [line for line in listed.splitlines() if name in line]
        assert "a_module_that_nobody_has" in line
    code, _, said = ended("run", "--backend", "bad-queue")
    assert code == 3 and len(said.splitlines()) == 1 and "a_module_that_nobody_has" in said


def test_an_interrupt_while_modules_are_imported_ends_with_130(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise KeyboardInterrupt\n")
    done = subprocess.run(
        [sys.executable, "-m", "jobquake", "list"], cwd=tmp_path, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (130, "jobquake: interrupted\n")


def test_a_bug_on_a_full_disk_is_still_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("jobquake.blame.tempfile.NamedTemporaryFile", full)
    assert "could not be written (No space left on device)" in str(internal_error(ValueError("x")))
