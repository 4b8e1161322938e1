"""The nursery: nodes are processes like any other, and none outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from jobquake.backends import registry as backends
from jobquake.errors import EnvironmentFault
from jobquake.harness.drivers.clean import Workspace
from jobquake.harness.drivers.nursery import Nursery
from jobquake.harness.drivers.pace import RealTime
from jobquake.harness.drivers.spawn import spawner
from jobquake.harness.plan.replay import encode
from jobquake.protocol.run_files import LEDGER, REPLAY
from jobquake.scenarios import registry as scenarios


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    plan = scenarios.find("partition").plan(0)
    backend = backends.find("reference-sqlite")
    (tmp_path / REPLAY).write_text(encode(plan, backend.name, "process"))
    nursery = Nursery(tmp_path, spawner(Workspace("mark", tmp_path), RealTime()))
    yield nursery
    nursery.end()


def worker(nursery: Nursery, folder: Path, number: int = 0) -> tuple[list[str], Path]:
    return ["worker", str(folder), str(number), "1", str(folder)], folder / f"node-{number}.log"


def test_a_node_has_a_pid_a_group_and_a_status_of_its_own(nursery: Nursery, tmp_path: Path) -> None:
    node = nursery.start(*worker(nursery, tmp_path))
    assert node.pid != os.getpid()
    assert os.getpgid(node.pid) == node.pid
    assert node.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        node.wait(0.0)
    os.kill(node.pid, signal.SIGKILL)
    assert node.wait() == node.returncode == node.poll() == -signal.SIGKILL
    assert not psutil.pid_exists(node.pid), "its status was collected"


def test_a_worker_that_is_told_to_stop_leaves_with_zero(nursery: Nursery, tmp_path: Path) -> None:
    node = nursery.start(*worker(nursery, tmp_path))
    ledger = tmp_path / LEDGER
    until = time.monotonic() + 30
    while not (ledger.exists() and ledger.read_bytes().endswith(b"\n")):
        assert time.monotonic() < until, "it never began to work"
        time.sleep(0.01)
    assert psutil.Process(node.pid).name() == "worker-0"
    node.terminate()
    assert node.wait(30) == 0
    node.terminate()  # as Popen has it, nothing happens to one that has ended


def test_a_node_that_fails_says_why_in_its_log(nursery: Nursery, tmp_path: Path) -> None:
    arguments, log = worker(nursery, tmp_path, 99)
    node = nursery.start(arguments, log)
    assert node.wait() == 1
    assert "IndexError" in log.read_text()


def test_nobody_outlives_the_nursery_not_even_who_was_just_started(
    nursery: Nursery, tmp_path: Path
) -> None:
    nodes = [nursery.start(*worker(nursery, tmp_path, number)) for number in range(2)]
    os.kill(nodes[0].pid, signal.SIGSTOP)
    nursery.end()
    assert not any(psutil.pid_exists(node.pid) for node in nodes)


def test_a_nursery_that_is_gone_is_the_environments_fault(nursery: Nursery, tmp_path: Path) -> None:
    node = nursery.start(*worker(nursery, tmp_path))
    os.kill(psutil.Process(node.pid).ppid(), signal.SIGKILL)
    with pytest.raises(EnvironmentFault, match="expected the process that starts the workers"):
        node.wait()
    with pytest.raises(EnvironmentFault, match="expected the process that starts the workers"):
        nursery.start(*worker(nursery, tmp_path))
    os.kill(node.pid, signal.SIGKILL)
