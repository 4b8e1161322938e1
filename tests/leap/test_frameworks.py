"""Job libraries as they are, on real servers, in leaping time: a worker dies with a job in its
hands, and the job comes back when the library's own settings say so.

The libraries are pinned, and installed beside the tests when they are first needed.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import pytest
from jobquake.harness.drivers.tree import kill_tree
from jobquake.leap.clock import LeapingClock
from jobquake.servers import postgres, redis
from support.leaping import needs_compiler
from support.servers_here import or_skip

pytestmark = [needs_compiler, pytest.mark.slow]
HERE = Path(__file__).parent / "frameworks"
BUILD = Path(__file__).parents[2] / "build" / "frameworks"
PYTHON = (
    *("celery==5.7.0", "kombu==5.7.0", "billiard==4.3.2", "redis==8.1.0", "rq==3.0.0"),
    *("pgqueuer==1.6.0", "asyncpg==0.32.0", "packaging==26.4"),
)
NODE = ("bullmq@6.7.0", "ioredis@6.0.0")
PATIENCE_S = 240.0  # real
WITHIN = 0.02  # of what the settings say
RUNS_S = 20.0

Since = Literal["started", "killed", "looking"]


class Library(NamedTuple):
    """One library: its server, its program, and what its settings say of when its job comes back.

    That is between two times after the job was started, its worker was killed, or the other one
    began to look. ``short`` enough to be tried in real time as well?
    """

    server: str
    program: str
    since: Since
    earliest_s: float
    latest_s: float
    short: bool = True


LIBRARIES = {
    # The visibility timeout is an hour; a sweep looks every 10 s, one in 10 of them restores.
    "celery": Library("redis", "celery_app.py", "started", 3600.0, 3700.0, short=False),
    # A heartbeat a second, each good for that second and a minute, in whole seconds; who looks does
    # so every second, and maintains when the last time is more than a second ago.
    "rq": Library("redis", "rq_app.py", "killed", 60.0, 64.0),
    # Who looks does so every 30 s. The first time the last heartbeat is less than 30 s old.
    "pgqueuer": Library("postgres", "pgqueuer_app.py", "looking", 60.0, 60.0),
    # The same, with a lock of 30 s that was renewed up to 15 s before the kill.
    "bullmq": Library("redis", "bullmq_app.js", "looking", 60.0, 60.0),
}


class Clock(Protocol):
    """What a stage needs of a clock: the leaping one has it, and the machine's own."""

    environment: dict[str, str]

    def now_s(self) -> float: ...
    def wait(self, seconds: float) -> None: ...
    def wait_readable(self, fd: int, seconds: float | None) -> bool: ...


class RealTime:
    def __init__(self) -> None:
        self.environment: dict[str, str] = {}

    def now_s(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)

    def wait_readable(self, fd: int, seconds: float | None) -> bool:
        return bool(select.select([fd], [], [], seconds)[0])


def install(marker: Path, *commands: Sequence[object]) -> None:
    if marker.exists():
        return
    marker.parent.mkdir(parents=True, exist_ok=True)
    for command in commands:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"the libraries cannot be installed here: {done.stderr.strip()[-200:]}")
    marker.touch()


@pytest.fixture(scope="module")
def interpreter() -> str:
    """A Python that has the pinned libraries."""
    folder = BUILD / "python"
    found = folder / "bin" / "python"
    install(
        folder / "installed",
        [sys.executable, "-m", "venv", folder],
        [found, "-m", "pip", "install", "-q", "--disable-pip-version-check", *PYTHON],
    )
    return str(found)


@pytest.fixture(scope="module")
def modules() -> Path:
    """Where the pinned modules of node are."""
    if shutil.which("npm") is None:
        pytest.skip("there is no npm here")
    folder = BUILD / "node"
    install(
        folder / "installed",
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, *NODE],
    )
    return folder / "node_modules"


class Stage:
    """A server on the clock, and the programs of one library that use it."""

    def __init__(
        self, clock: Clock, folder: Path, command: list[str], server: str, look_every_s: float
    ) -> None:
        self._clock, self._folder, self._command = clock, folder, command
        self._starts, self._looks = folder / "starts", folder / "looks"
        self._starts.touch()
        self._looks.touch()
        self._look_every_s = look_every_s
        self._programs: list[subprocess.Popen[str]] = []
        module = f"jobquake.servers.{server}"
        self._server = subprocess.Popen(
            [sys.executable, "-m", module, str(folder / "server"), "0", "--lifeline"],
            env=os.environ | clock.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._server.stdout
        clock.wait_readable(self._server.stdout.fileno(), None)
        address = self._server.stdout.readline().split()[1]
        self._url = {
            "redis": f"redis://{address}/0",
            "postgres": f"postgresql://jobquake@{address}/postgres",
        }[server]

    def program(self, what: str) -> subprocess.Popen[str]:
        log = (self._folder / "log").open("a")
        environment = {
            "SERVER": self._url,
            "STARTS": str(self._starts),
            "LOOKS": str(self._looks),
            "NODE_PATH": str(BUILD / "node" / "node_modules"),
            "C_FORCE_ROOT": "1",
        }
        program = subprocess.Popen(
            [*self._command, what],
            env=os.environ | self._clock.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            text=True,
        )
        self._programs.append(program)
        return program

    def finish(self, what: str) -> None:
        program = self.program(what)
        while program.poll() is None:
            self._clock.wait(0.1)
        assert program.returncode == 0, self.words()

    def started(self, wanted: int) -> float:
        """When the job was seen to have been started so often."""
        return self._seen(self._starts, wanted)

    def looking(self, wanted: int) -> float:
        """When so many workers were seen to look for work."""
        return self._seen(self._looks, wanted)

    def _seen(self, file: Path, wanted: int) -> float:
        until = time.monotonic() + PATIENCE_S
        while len(file.read_text().splitlines()) < wanted:
            assert time.monotonic() < until, self.words()
            self._clock.wait(self._look_every_s)
        return self._clock.now_s()

    def words(self) -> str:
        return (self._folder / "log").read_text()[-2000:]

    def end(self) -> None:
        for program in self._programs:
            if program.poll() is None:
                kill_tree(program.pid)
                program.wait()
        assert self._server.stdin
        self._server.stdin.close()
        while self._server.poll() is None:
            self._clock.wait(0.1)


@contextmanager
def staged(
    request: pytest.FixtureRequest, clock: Clock, folder: Path, name: str
) -> Iterator[Stage]:
    library = LIBRARIES[name]
    or_skip(redis.program if library.server == "redis" else postgres.program)
    if library.program.endswith(".js"):
        request.getfixturevalue("modules")
        command = ["node", str(HERE / library.program)]
    else:
        command = [str(request.getfixturevalue("interpreter")), str(HERE / library.program)]
    folder.mkdir()
    look_every_s = 0.25 if library.short else 5.0
    stage = Stage(clock, folder, command, library.server, look_every_s)
    try:
        yield stage
    finally:
        stage.end()


def comes_back_after_s(stage: Stage, clock: Clock, name: str) -> float:
    """How long a job is away whose worker dies after 20 s, while another one waits for work."""
    if name == "pgqueuer":
        stage.finish("prepare")
    stage.finish("enqueue")
    worker = stage.program("work")
    since = {"started": stage.started(1)}
    other = stage.program("work")
    since["looking"] = stage.looking(2)
    clock.wait(RUNS_S)
    kill_tree(worker.pid)
    worker.wait()
    since["killed"] = clock.now_s()
    again_s = stage.started(2)
    kill_tree(other.pid)
    other.wait()
    return again_s - since[LIBRARIES[name].since]


def fits(library: Library, took_s: float) -> bool:
    """Whether the settings say so."""
    return library.earliest_s * (1 - WITHIN) <= took_s <= library.latest_s * (1 + WITHIN)


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_dead_workers_job_comes_back_when_the_settings_say(
    request: pytest.FixtureRequest, clock: LeapingClock, tmp_path: Path, name: str
) -> None:
    library = LIBRARIES[name]
    began = time.monotonic()
    with staged(request, clock, tmp_path / "leap", name) as stage:
        leapt_s = comes_back_after_s(stage, clock, name)
    print(f"{name}: {leapt_s:.1f} s, in {time.monotonic() - began:.1f} real; {clock.stats}")
    assert fits(library, leapt_s), leapt_s
    if library.short:
        real = RealTime()
        with staged(request, real, tmp_path / "real", name) as stage:
            really_s = comes_back_after_s(stage, real, name)
        print(f"{name}: {really_s:.1f} s in real time")
        assert fits(library, really_s), really_s
