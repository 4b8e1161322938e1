"""Programs in C for the tests of leaping time, and processes on a clock to try them with."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import pytest
from jobquake.leap.clock import LeapingClock
from jobquake.leap.compiling import compiler

PROGRAMS = Path(__file__).parents[1] / "leap" / "programs"
HOUR_S = 3600.0
GIVE_UP_S = 50 * HOUR_S
BUILT = TemporaryDirectory(prefix="jobquake-test-")  # gone when this process is

needs_compiler = pytest.mark.skipif(
    sys.platform != "linux" or compiler() is None,
    reason="leaping time needs Linux, and a C compiler for its programs",
)


@cache
def program(name: str, *flags: str) -> Path:
    """The program of that name, built; flags as the compiler takes them."""
    cc = compiler()
    assert cc
    made = Path(mkdtemp(dir=BUILT.name), name)
    source = str(PROGRAMS / f"{name}.c")
    options = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-pthread"]
    subprocess.run([cc, *options, *flags, "-o", str(made), source], check=True)
    return made


def start(
    clock: LeapingClock, command: Sequence[object], node: int | None = None
) -> subprocess.Popen[str]:
    """A process on the clock, whose output can be read when it has ended."""
    env = clock.environment if node is None else clock.node_environment(node)
    return subprocess.Popen(
        [str(word) for word in command],
        env=os.environ | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
    )


def ended(clock: LeapingClock, process: subprocess.Popen[str], look_every_s: float = 60.0) -> str:
    """What it has written when it has ended well; time leaps until then."""
    until_s = clock.now_s() + GIVE_UP_S
    while process.poll() is None and clock.now_s() < until_s:
        clock.wait(look_every_s)
    if process.returncode is None:
        process.kill()
    output = process.communicate()[0]
    assert process.returncode == 0, (process.returncode, output, clock.stats)
    return output


def run(clock: LeapingClock, *command: object) -> str:
    return ended(clock, start(clock, command))


def python(clock: LeapingClock, text: str, *arguments: object) -> str:
    """What that program in Python writes on the clock."""
    return run(clock, sys.executable, "-c", text, *arguments)
