"""The doctor: what is here is tried, what is not is told with what to do about it."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from jobquake.reports import health
from jobquake.servers import postgres, redis, running
from jobquake.servers.doctor import Examined
from rich.console import Console
from support.command import ended
from support.servers_here import or_skip

DOCTOR = [sys.executable, "-m", "jobquake", "doctor"]
NEEDED = {"Python", "Python packages", "SQLite", "loopback", "temporary folder"}


def ask(*options: str, **variables: str) -> tuple[int, str]:
    done = ended("doctor", *options, env=os.environ | variables)
    return done.returncode, done.stdout


def examined(*options: str, **variables: str) -> tuple[int, dict[str, dict[str, object]]]:
    code, told = ask("--json", *options, **variables)
    return code, {thing["name"]: thing for thing in json.loads(told)}


def program(folder: Path, name: str, script: str) -> str:
    """A program of that name; the PATH that finds it first."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture(scope="module")
def here() -> dict[str, dict[str, object]]:
    """What the doctor finds where the tests run."""
    code, things = examined()
    assert code == 0
    return things


@pytest.fixture(scope="module")
def half_broken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    """What the doctor finds where servers and packages that no run needs are broken or away."""
    folder = tmp_path_factory.mktemp("half-broken")
    program(folder / "bin", "redis-server", "echo cannot load library >&2; exit 127")
    path = program(folder / "bin", "docker", 'test "$1" = --version && echo Docker version 1.2.3')
    (folder / "uvloop.py").write_text("raise ModuleNotFoundError('uvloop')")
    (folder / "redis.py").write_text("raise ImportError('built for another Python')")
    code, things = examined(PATH=path, PYTHONPATH=str(folder), DOCKER_HOST=f"unix://{folder}/none")
    assert code == 0, "no run needs them"
    return things


def test_what_every_run_needs_is_here_where_the_tests_run(
    here: dict[str, dict[str, object]],
) -> None:
    assert {name for name, thing in here.items() if thing["needed"]} == NEEDED
    assert {here[name]["state"] for name in NEEDED} == {"here"}
    assert here["Python"]["version"] == ".".join(map(str, sys.version_info[:3]))


def test_a_program_that_is_here_is_told_with_its_own_version_and_place(
    here: dict[str, dict[str, object]],
) -> None:
    or_skip(redis.program)
    or_skip(postgres.program)
    for name, where in (("redis-server", redis.program()), ("postgres", postgres.program())):
        told = subprocess.run([where, "--version"], capture_output=True, text=True).stdout
        assert here[name]["state"] == "here"
        assert here[name]["place"] == str(where)
        version = str(here[name]["version"])
        assert version[0].isdigit()
        assert version in told


def test_what_is_not_here_is_told_with_what_it_switches_off_and_how_to_get_it(
    tmp_path: Path,
) -> None:
    code, things = examined(PATH=str(tmp_path))
    assert code == 0, "no run needs it"
    for name in ("redis-server", "docker", "go", "node", "npm"):
        thing = things[name]
        assert thing["state"] == "missing"
        assert str(thing["error"]).startswith("expected ")
        assert thing["without"]
        assert str(thing["get"]).startswith(("apt-get install ", "brew install "))


def test_a_program_that_does_not_run_is_not_here(
    half_broken: dict[str, dict[str, object]],
) -> None:
    assert half_broken["redis-server"]["state"] == "broken"
    assert half_broken["redis-server"]["error"] == "it ended with 127: cannot load library"


def test_a_docker_client_without_an_engine_is_not_an_engine(
    half_broken: dict[str, dict[str, object]],
) -> None:
    assert half_broken["docker"]["state"] == "here"
    assert half_broken["docker"]["version"] == "1.2.3"
    assert half_broken["docker engine"]["state"] == "missing"


def test_a_package_that_is_not_installed_is_missing_and_one_that_does_not_load_is_broken(
    half_broken: dict[str, dict[str, object]],
) -> None:
    assert half_broken["uvloop for Python"]["state"] == "missing"
    assert half_broken["redis for Python"]["state"] == "broken"
    assert half_broken["redis for Python"]["error"] == "built for another Python"


def test_a_dependency_that_does_not_load_ends_with_3(tmp_path: Path) -> None:
    (tmp_path / "simpy.py").write_text("raise ImportError('damaged')")
    code, things = examined(PYTHONPATH=str(tmp_path))
    assert code == 3
    assert things["Python packages"]["error"] == "simpy: damaged"


def test_a_machine_without_loopback_ends_with_3() -> None:
    alone = ["unshare", "--net"]
    if (
        not shutil.which("unshare")
        or subprocess.run([*alone, "true"], capture_output=True).returncode
    ):
        pytest.skip("no network namespace can be made here")
    done = subprocess.run([*alone, *DOCTOR], capture_output=True, text=True)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "broken   loopback" in done.stdout
    assert "unavailable without it: every run" in done.stdout


def test_with_start_each_server_that_is_here_really_starts_and_stops(tmp_path: Path) -> None:
    code, things = examined("--start", TMPDIR=str(tmp_path))
    assert code == 0
    for name in ("redis-server", "postgres", "toxiproxy-server"):
        if things[name]["state"] == "here":
            assert 0 < float(str(things[name]["start_s"])) < running.READY_WITHIN_S
            assert things[name]["stop_s"] is not None
    assert not [path for path in tmp_path.iterdir() if not path.match("jobquake-postgres-[0-9]*")]


def test_a_server_that_tells_its_version_and_does_not_start_ends_with_3(tmp_path: Path) -> None:
    script = 'test "$1" = --version && echo Redis server v=7.0.0 || exit 9'
    path = program(tmp_path / "bin", "redis-server", script)
    code, things = examined("--start", PATH=path)
    assert code == 3
    assert things["redis-server"]["state"] == "broken"
    assert "ended with 9" in str(things["redis-server"]["error"])
    assert examined(PATH=path)[0] == 0, "without --start nobody asked for it"


def test_a_server_that_the_environment_names_is_tried_and_its_password_not_told() -> None:
    url = "redis://user:secret@127.0.0.1:1/0"
    code, told = ask(JOBQUAKE_REDIS=url)
    assert code == 0
    assert "broken   JOBQUAKE_REDIS" in told
    assert "unset JOBQUAKE_REDIS" in told
    assert "secret" not in told
    assert "JOBQUAKE_REDIS:" not in ask(JOBQUAKE_REDIS="")[1]


def test_without_a_terminal_there_are_plain_lines_and_on_one_a_table() -> None:
    things = [
        Examined(
            "redis-server", "here", False, "7.0", "/bin/redis-server", start_s=0.5, stop_s=0.1
        ),
        Examined("go", "missing", False, error="expected go", without="building", get="apt-get go"),
    ]
    told = {}
    for terminal in (False, True):
        page = io.StringIO()
        health.tell(things, Console(file=page, force_terminal=terminal, width=100))
        told[terminal] = page.getvalue()
    took = "started in 0.50 s, stopped in 0.10 s"
    assert told[False].splitlines() == [
        f"here     redis-server         7.0          /bin/redis-server  {took}",
        "missing  go",
        "go: expected go",
        "  unavailable without it: building; install it with: apt-get go",
    ]
    assert "\x1b[" in told[True]
    assert "started in 0.50 s" in told[True]
