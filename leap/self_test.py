"""The self-test of leaping time: sleepers of each kind, for an hour each, on a clock.

Each must say that an hour went by, within one percent. How long it really took is told; it says
what a leap costs on this machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ..errors import EnvironmentFault
from .clock import InUse, LeapingClock
from .reach import out_of_reach
from .sleepers import ALONE, HOUR_S, POSTGRES, REDIS

TOLERANCE = 0.01
GIVE_UP_S = 30.0  # real
NODE = f"const b = Date.now(); setTimeout(() => console.log((Date.now() - b) / 1000), {HOUR_S}000)"
PYTHON = f"import time; b = time.monotonic(); time.sleep({HOUR_S}); print(time.monotonic() - b)"
SLEEPERS = f"{__package__}.sleepers"
SERVERS = {"redis": REDIS, "postgres": POSTGRES}


class Slept(NamedTuple):
    """How one kind of sleeper slept: ``error`` says what was wrong, if anything was."""

    name: str
    virtual_s: float
    real_s: float
    error: str = ""


def works() -> str | None:
    """Why leaping time is not to be had here; None if it is. Takes a tenth of a second."""
    try:
        with LeapingClock() as clock:
            command = [sys.executable, "-I", "-S", "-c", PYTHON]
            return _slept(clock, "sleep", command).error or None
    except InUse:
        return None  # there is a clock already, which has begun well
    except EnvironmentFault as error:
        return str(error)


def sleep_all(servers: Sequence[str] = ()) -> Iterator[Slept]:
    """Every sleeper that this machine has, one after the other, and those of these servers.

    Raises :class:`EnvironmentFault` where there can be no clock.
    """
    with LeapingClock() as clock:
        for way in ALONE:
            yield _slept(clock, way, [sys.executable, "-m", SLEEPERS, way])
        if shutil.which("node") and not out_of_reach("node"):
            yield _slept(clock, "a timer in node", ["node", "-e", NODE])
    for server in servers:
        with LeapingClock() as clock, _serving(clock, server) as port:
            for way in SERVERS[server]:
                yield _slept(clock, way, [sys.executable, "-m", SLEEPERS, way, port])


def _slept(clock: LeapingClock, name: str, command: Sequence[str]) -> Slept:
    began = time.monotonic()
    with _started(clock, command) as process:
        limit = threading.Timer(GIVE_UP_S, process.kill)  # a real one: time may stand to no leap
        limit.start()
        assert process.stdout
        clock.wait_readable(process.stdout.fileno(), None)
        output = process.stdout.read().decode(errors="replace").strip()
        process.wait()
        limit.cancel()
    real_s = time.monotonic() - began
    try:
        virtual_s = float(output)
    except ValueError:
        stats = clock.stats
        off = f"; off the clock: {', '.join(stats.off_clock)}" if stats.off_clock else ""
        said = output.splitlines()[-1] if output else f"nothing within {GIVE_UP_S:g} s"
        return Slept(
            name, 0.0, real_s, f"expected an hour to pass, found {said} ({stats.why}{off})"
        )
    wrong = abs(virtual_s - HOUR_S) > HOUR_S * TOLERANCE
    error = f"expected {HOUR_S} s to pass, found {virtual_s:.1f} s" if wrong else ""
    return Slept(name, virtual_s, real_s, error)


@contextmanager
def _started(clock: LeapingClock, command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command,
        env=os.environ | clock.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def _serving(clock: LeapingClock, server: str) -> Iterator[str]:
    """A server of that kind on the clock; its port. It ends with us, however we end."""
    folder = Path(tempfile.mkdtemp(prefix=f"jobquake-leap-{server}-"))
    module = f"{__package__.rpartition('.')[0]}.servers.{server}"
    command = [sys.executable, "-m", module, str(folder), "0", "--careless", "--lifeline"]
    process = subprocess.Popen(
        command,
        env=os.environ | clock.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout
        clock.wait_readable(process.stdout.fileno(), None)
        line = process.stdout.readline().decode()
        if not line.startswith("ready "):
            raise EnvironmentFault(f"expected {server} to start in leaping time, found {line!r}")
        yield line.split()[1].rpartition(":")[2]
    finally:
        assert process.stdin
        process.stdin.close()
        while process.poll() is None:
            clock.wait(0.1)
        shutil.rmtree(folder, ignore_errors=True)
