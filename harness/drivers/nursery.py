"""Where jobquake's own workers and clients come from: one process that forks each of them.

An interpreter that loads the same modules for every worker, and again after every kill, costs
more than what most workers do. So one process loads them once and forks (:mod:`.nursery_process`).
To whoever kills and waits, a node is a process like any other: its own pid, group and status.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from ...errors import EnvironmentFault
from . import nursery_process
from .server import READY_WITHIN_S, Spawn, tail
from .tree import kill_tree

END_WITHIN_S = 10.0


class Child:
    """A process that the nursery forked, in the words of :class:`subprocess.Popen`."""

    def __init__(self, pid: int, nursery: Nursery) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._nursery = nursery

    def poll(self) -> int | None:
        if self.returncode is None:
            self._nursery.hear(0.0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status. Raises :class:`subprocess.TimeoutExpired` as Popen's does."""
        until = None if timeout is None else time.monotonic() + timeout
        while self.returncode is None:
            left = None if until is None else max(0.0, until - time.monotonic())
            if not self._nursery.hear(left) and self.returncode is None:
                raise subprocess.TimeoutExpired(f"node {self.pid}", timeout or 0.0)
        return self.returncode

    def terminate(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)


class Nursery:
    """Starts nodes for the run in ``folder``, whose plan lies there, and ends with them."""

    def __init__(self, folder: Path, spawn: Spawn) -> None:
        self._log = folder / "nursery.log"
        self._line, theirs = socket.socketpair()
        with theirs, self._log.open("ab") as log:
            self._process = spawn(
                [sys.executable, "-m", nursery_process.__name__, str(theirs.fileno()), str(folder)],
                pass_fds=(theirs.fileno(),),
                stdout=log,
                stderr=log,
            )
        self._unread = b""
        self._children: dict[int, Child] = {}

    def start(self, arguments: list[str], log: Path) -> Child:
        """A node with these arguments. Raises :class:`EnvironmentFault` if none can be had."""
        request = json.dumps({"node": arguments, "log": str(log)})
        self._born: Child | None = None
        with suppress(BrokenPipeError):  # what is heard next tells why
            self._line.sendall(request.encode() + b"\n")
        until = time.monotonic() + READY_WITHIN_S
        while self._born is None:
            if not self.hear(until - time.monotonic()):
                raise EnvironmentFault(
                    f"expected a worker to start within {READY_WITHIN_S:g} s, found none; "
                    "is the machine overloaded?"
                )
        return self._born

    def hear(self, within_s: float | None) -> bool:
        """Take in what the nursery reports within that time; whether it reported anything."""
        if not select.select([self._line], [], [], within_s and max(0.0, within_s))[0]:
            return False
        heard = b""
        with suppress(ConnectionResetError):
            heard = self._line.recv(65536)
        if not heard:
            raise EnvironmentFault(
                "expected the process that starts the workers to live as long as the run, found "
                f"that it ended: {tail(self._log) or 'without a word'}"
            )
        *reports, self._unread = (self._unread + heard).split(b"\n")
        for report in map(json.loads, reports):
            if "began" in report:
                self._born = self._children[report["began"]] = Child(report["began"], self)
            else:
                self._children.pop(report["ended"]).returncode = report["status"]
        return True

    def fileno(self) -> int:
        """What can be read when it has something to report."""
        return self._line.fileno()

    def end(self) -> None:
        """See it gone, and every node with it. Needs nothing that it may have reported."""
        self._line.close()
        try:
            self._process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            kill_tree(self._process.pid)
            self._process.wait()
