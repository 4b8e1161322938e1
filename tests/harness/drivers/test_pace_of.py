"""Which time a run goes by, and who is told why it is the real one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from jobquake.backends import registry as backends
from jobquake.errors import USAGE, EnvironmentFault
from jobquake.harness import run as harness
from jobquake.harness.drivers.leaping_time import leaping_time
from jobquake.harness.drivers.long_lived_process import served
from jobquake.harness.drivers.pace_of import can_leap, pace_of, why_real
from jobquake.leap.clock import InUse
from support.frameworks import shop
from support.leaping import needs_compiler, program
from support.servers_here import KINDS, address
from support.small_plan import SMALL

pytestmark = needs_compiler
REFERENCE = backends.find("reference-sqlite")


def test_beside_another_run_in_leaping_time_one_lives_in_real_time(tmp_path: Path) -> None:
    with served(REFERENCE, tmp_path / "standing"):
        done = harness.run(SMALL, REFERENCE)
        assert done.result.verdict == "held"
        assert done.result.environment["time"] == "real; another run of this process leaps"
        with pytest.raises(InUse, match="one run in leaping time at a time in a process") as raised:
            harness.run(SMALL, REFERENCE, time="leap")
        assert raised.value.exit_code == USAGE
    assert harness.run(SMALL, REFERENCE).result.environment["time"].startswith("leaping")


def test_a_worker_that_time_does_not_reach_is_refused_by_name_before_the_run() -> None:
    static = program("outside", "-static", "-DSTATIC")
    app = shop(worker=f"{static} --loglevel=info")
    why = f"{static} is out of its reach: it is linked statically"
    assert why_real(app).startswith(why)
    assert not can_leap(app, None)
    with pytest.raises(EnvironmentFault, match=r"expected time to leap, but .*use --time real"):
        harness.run(SMALL, app, time="leap")
    with pace_of(None, "mark", why_real(app)) as pace:
        assert pace.told.startswith(f"real; {why}")


def test_a_worker_command_is_looked_for_where_it_is_started(tmp_path: Path) -> None:
    app = shop(worker="./static worker")
    static = program("outside", "-static", "-DSTATIC")
    assert why_real(app) == "", "who is missing is for the run to say"
    there = shop(worker=f"../{'../' * 20}{static} worker")
    assert "is out of its reach" in why_real(there)


def test_what_leaps_usually_does() -> None:
    assert why_real(shop()) == ""
    for name in ("reference", "reference-sqlite", *(f"reference-{kind}" for kind in KINDS)):
        if name.rpartition("-")[2] in KINDS:
            address(name.rpartition("-")[2])
        system = backends.find(name)
        assert can_leap(system, None), name
        assert not can_leap(system, "real")
        assert not can_leap(system, None, sys.executable)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_what_has_ended_is_not_watched_any_more(tmp_path: Path) -> None:
    with leaping_time("watching") as pace:
        before = open_files()
        for number in range(20):
            file = tmp_path / str(number)
            file.write_text("")
            pace.watch_file(file)
            process = subprocess.Popen(["sleep", "1000"])
            pace.watch_process(process.pid)
            file.write_text("a row")
            file.unlink()
            process.kill()
            process.wait()
        while open_files() > before:
            pace.nap(pace.now_s() + 1.0)
