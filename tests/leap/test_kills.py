"""Whoever of a run is killed, and whenever: nothing of the run is left. Fifty SIGKILLs at random
moments, of the harness, the governor, a worker, the server.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import psutil
import pytest
from jobquake.errors import BUG
from jobquake.leap.page import PAGE_ENV
from support.leaping import needs_compiler

KILLS, LATEST_S = 50, 4.0
ENDS_WITHIN_S = 120.0
VICTIMS = ("harness", "governor", "worker", "server")
SERVERS = {
    "reference": "broker",
    "reference-redis": "redis-server",
    "reference-postgres": "postgres",
}


def below(home: Path) -> list[psutil.Process]:
    """The processes of the run, whoever their parents are by now."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            ours = process.environ().get("TMPDIR") == str(home)
            if ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def is_victim(process: psutil.Process, kind: str, harness: int, backend: str) -> bool:
    with suppress(psutil.Error):
        if kind == "harness":
            return process.pid == harness
        if kind == "governor":
            return process.name() == "governor"
        if kind == "worker":
            return process.name().startswith("worker-")
        name = SERVERS[backend]
        return name == process.name() or (name == "broker" and name in process.cmdline())
    return False


def pages_of(processes: list[psutil.Process]) -> set[Path]:
    """The pages that they live by, or govern."""
    pages = set[Path]()
    for process in processes:
        with suppress(psutil.Error, OSError):
            if page := process.environ().get(PAGE_ENV):
                pages.add(Path(page))
            if process.name() == "governor":
                pages.add(Path(process.cmdline()[1]))
    return pages


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    own = tmp_path / "tmp"
    own.mkdir()
    yield own
    for process in below(own):
        with suppress(psutil.Error):
            process.kill()


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("number", range(KILLS))
def test_nothing_is_left_whoever_is_killed_at_whatever_moment(number: int, home: Path) -> None:
    rng = Random(f"kill {number}")
    kind, backend = rng.choice(VICTIMS), rng.choice(list(SERVERS))
    at_s = rng.uniform(0.2, LATEST_S)
    command = [sys.executable, "-m", "jobquake", "run", "zombie-worker:default"]
    words = ["--backend", backend, "--time", "leap", "--confirm", "0s"]
    harness = psutil.Popen(
        [*command, *words, "--report", str(home.parent / "out")],
        env=os.environ | {"TMPDIR": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(at_s)  # a moment, not a wait: any is as good
    pages, struck = set[Path](), False
    until = time.monotonic() + ENDS_WITHIN_S
    while not struck and harness.poll() is None:
        assert time.monotonic() < until, f"no {kind} was seen"
        there = below(home)
        pages |= pages_of(there)
        if victims := [p for p in there if is_victim(p, kind, harness.pid, backend)]:
            with suppress(psutil.Error):
                rng.choice(victims).kill()
                struck = True
    harness.wait(ENDS_WITHIN_S)
    until = time.monotonic() + ENDS_WITHIN_S
    while left := below(home):
        pages |= pages_of(left)
        assert time.monotonic() < until, left
        time.sleep(0.05)
    assert not [page for page in pages if page.exists()]
    assert not [path for path in home.iterdir() if not path.name.startswith("jobquake-postgres-")]
    assert harness.returncode != BUG
