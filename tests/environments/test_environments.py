"""Environments: made once, whole or not at all, by one process at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import jobquake
import pytest
from jobquake.environments import cache
from jobquake.environments.pins import Interpreter, interpreter, name_of, pinned
from jobquake.errors import EnvironmentFault, UsageError
from support.command import ENVIRON, ENVIRONMENT, HELD, USAGE, complaint
from support.command import jobquake as command

HERE = Interpreter("3.11.7", Path("/usr/bin/python3"))


def wheel(folder: Path, name: str, version: str) -> None:
    """The smallest package there is, with a script that tells its version."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"VERSION = {version!r}\ndef main(): print(VERSION)\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    for version in ("1.0", "2.0"):
        wheel(folder, "tinylib", version)
    wheel(folder, "otherlib", "1.0")
    return folder


@pytest.fixture(autouse=True)
def offline(tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of the test's own, and no index: what is not among the wheels cannot be had."""
    cached = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    for name, value in {**cached, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}.items():
        monkeypatch.setenv(name, value)
        monkeypatch.setitem(ENVIRON, name, value)


# -- pins ---------------------------------------------------------------------------------


def test_pins_have_one_spelling_and_one_order() -> None:
    told = pinned(["Redis==7.4.1", "celery[Redis]==5.6.3", "Dramatiq_X==1!2.0.post1+local"])
    assert told == ("celery[redis]==5.6.3", "dramatiq-x==1!2.0.post1+local", "redis==7.4.1")


@pytest.mark.parametrize(
    "pins",
    [["celery"], ["celery>=5"], ["celery==5.*"], ["celery == 5"], ["-r x"], [""], [],
     ["a==1", "A==2"], ["celery==5; sys_platform"], ["git+https://x"]],
    ids=str,
)  # fmt: skip
def test_what_is_not_pinned_is_told(pins: list[str]) -> None:
    with pytest.raises(UsageError, match=r"^expected .*, found "):
        pinned(pins)


def test_each_environment_has_a_name_of_its_own() -> None:
    other = Interpreter("3.12.1", HERE.path)
    sets = [("a==1",), ("a==2",), ("a[x]==1",), ("a==1", "b==1")]
    names = [name_of(pins, python) for pins in sets for python in (HERE, other)]
    assert len(set(names)) == len(names)
    assert name_of(("celery==5.6.3", "redis==7.4.1"), HERE).startswith(
        "celery-5.6.3-redis-7.4.1-py3.11.7-"
    )
    assert len(name_of(tuple(f"package-{n}==1" for n in range(100)), HERE)) < 100


# -- interpreters -------------------------------------------------------------------------


def test_an_interpreter_is_found_by_version_and_by_path() -> None:
    ours = ".".join(map(str, sys.version_info[:3]))
    assert interpreter().version == interpreter(sys.executable).version == ours
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert interpreter(minor).version.startswith(minor)


def test_an_interpreter_that_pyenv_keeps_is_found_behind_its_shim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim = tmp_path / "shims" / "python9.99"
    shim.parent.mkdir()
    shim.write_text("#!/bin/sh\necho pyenv: python9.99: command not found >&2; exit 127\n")
    for version in ("9.99.9", "9.99.10", "9.98.1"):
        kept = tmp_path / "versions" / version / "bin" / "python"
        kept.parent.mkdir(parents=True)
        kept.write_text(f"#!/bin/sh\necho {version} {kept}\n")
        kept.chmod(0o755)
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(shim.parent), prepend=os.pathsep)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert interpreter("9.99") == Interpreter(
        "9.99.10", tmp_path / "versions" / "9.99.10" / "bin" / "python"
    )


def test_an_interpreter_that_is_none_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no version here >&2; exit 127\n")
    broken.chmod(0o755)
    for wanted, said in (
        ("9.99", "expected python9.99 on PATH, found none"),
        (str(tmp_path / "none"), "found none"),
        (str(broken), "ended with 127: no version here"),
        ("/bin/true", "to be a Python"),
    ):
        with pytest.raises(EnvironmentFault) as caught:
            interpreter(wanted)
        assert said in str(caught.value)


# -- making them --------------------------------------------------------------------------


def version_in(python: Path) -> str:
    script = "import tinylib; print(tinylib.VERSION)"
    done = subprocess.run([python, "-I", "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def left() -> list[str]:
    """What lies in the cache, but for files of locks."""
    return sorted(p.name for p in cache.cache().glob("*") if p.suffix != ".lock")


def test_an_environment_has_its_pins_and_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    old = jobquake.environment("tinylib==1.0")
    assert version_in(old) == "1.0"
    script = old.parent / "tinylib"
    told = subprocess.run([script], capture_output=True, text=True, check=True)
    assert told.stdout == "1.0\n"
    new = jobquake.environment("tinylib==2.0", "otherlib==1.0")
    assert version_in(new) == "2.0" and version_in(old) == "1.0"
    monkeypatch.setattr(cache, "_make", lambda *_: pytest.fail("it was there"))
    assert jobquake.environment("TinyLib==1.0", python=sys.executable) == old
    assert [found.pins for found in cache.environments()] == [
        ("otherlib==1.0", "tinylib==2.0"),
        ("tinylib==1.0",),
    ]


def test_what_cannot_be_installed_is_told_and_leaves_nothing() -> None:
    with pytest.raises(EnvironmentFault) as caught:
        jobquake.environment("tinylib==3.0")
    assert "expected pip to install tinylib==3.0, found: No matching distribution" in str(
        caught.value
    )
    assert left() == []


def test_a_cache_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(EnvironmentFault, match="set XDG_CACHE_HOME"):
        jobquake.environment("tinylib==1.0")
    assert cache.environments() == []


@pytest.mark.slow
def test_one_whose_python_has_gone_is_made_anew() -> None:
    python = jobquake.environment("tinylib==1.0")
    python.unlink()
    assert cache.environments() == []
    assert version_in(jobquake.environment("tinylib==1.0")) == "1.0"


def wait_until(condition: object, within_s: float = 60.0) -> None:
    until = time.monotonic() + within_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until, "the condition never came true"
        time.sleep(0.01)


def test_two_at_once_make_one_and_a_killed_one_leaves_no_half() -> None:
    words = [sys.executable, "-m", "jobquake", "env", "make", "tinylib==1.0"]
    killed = subprocess.Popen(words, start_new_session=True, stdout=subprocess.DEVNULL)
    wait_until(left)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert left() and cache.environments() == []
    both = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = {process.communicate()[0].strip() for process in both}
    assert [process.returncode for process in both] == [0, 0]
    (python,) = told
    assert version_in(Path(python)) == "1.0"
    assert len(left()) == 1


# -- the command --------------------------------------------------------------------------


def test_the_command_makes_lists_and_removes(tmp_path: Path) -> None:
    made = command("env", "make", "tinylib==1.0", within=tmp_path, code=HELD).stdout.strip()
    assert version_in(Path(made)) == "1.0"
    listed = command("env", "list", within=tmp_path, code=HELD).stdout
    name, version, pins = listed.split()
    assert (Path(made).parents[1].name, pins) == (name, "tinylib==1.0")
    assert version == ".".join(map(str, sys.version_info[:3]))
    command("env", "remove", name, within=tmp_path, code=HELD)
    assert command("env", "list", within=tmp_path, code=HELD).stdout == ""
    assert [*cache.cache().iterdir()] == []
    command("env", "remove", "--all", within=tmp_path, code=HELD)


def test_a_library_has_an_environment_of_its_name(tmp_path: Path) -> None:
    told = command("env", "rq", "--help", within=tmp_path, code=HELD).stdout
    assert "Make the environment of RQ: rq==3.0.0 redis==7.4.1. Print its Python." in told
    assert "No such command 'rqq'" in complaint("env", "rqq", within=tmp_path, code=USAGE)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["make", "tinylib"], USAGE, "expected a package with its exact version"),
        (["make", "tinylib==1.0", "--python", "9.99"], ENVIRONMENT, "expected python9.99 on PATH"),
        (["remove", "none"], USAGE, "'jobquake env list' names them"),
        (["remove"], USAGE, "expected names or --all, found neither"),
    ],
)
def test_the_command_tells_in_one_sentence(
    tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    assert said in complaint("env", *words, within=tmp_path, code=code)


@pytest.mark.slow
def test_offline_the_command_tells_what_pip_could_not_install(tmp_path: Path) -> None:
    done = command("env", "make", "no-such-lib==1.0", within=tmp_path, code=ENVIRONMENT)
    (line,) = done.stderr.splitlines()
    assert line.startswith("jobquake: expected pip to install no-such-lib==1.0, found: ")
    assert left() == []
