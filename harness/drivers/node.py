"""One worker or producer as a real process: carries the acts of its program out for real.

Started by the ``process`` driver. A kill at a fault point is a SIGKILL that the process
gives itself there, after the ledger has the row that says so. A job that overruns its
timeout ends the process through a watchdog in C, which needs no Python to run.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import assert_never

from ...backends import registry
from ...backends.adapter import Connection, RemoteQueue
from ...blame import blaming
from ...errors import JobquakeError
from ...protocol.events import Event
from ...protocol.ledger import Ledger
from ...protocol.producer import Client, WaitUntil
from ...protocol.repeat import Attempt, Sleep
from ...protocol.run_files import LEDGER, REPLAY, STARTED, STRIKES, count_passing
from ...protocol.worker import Worker
from ..plan.plan import Plan
from ..plan.replay import Packed, unpack
from ..plan.within import options as options_of
from ..plan.within import suited
from ..record.node_record import NodeRecord
from ..strikes import PointStrikes
from .acts import Die, Labour, Pause, acts

LONGEST_SLEEP_S = 86_400.0
BACKEND_FAILED = 76  # what a node exits with when its backend raised, or it cannot go on


class Node:
    """What a worker and a producer process have in common."""

    def __init__(
        self, packed: Packed, folder: Path, number: int, incarnation: int, address: str
    ) -> None:
        self.plan: Plan = packed.plan
        self.adapter: RemoteQueue = suited(registry.find(packed.backend), self.plan)
        self.number = number
        self.ledger = Ledger(folder / LEDGER, number, incarnation)
        self.record = NodeRecord(
            self.plan, self.ledger.write, time.monotonic, self._elapsed, self.ledger.say
        )
        self._folder = folder
        self.connection: Connection = self.adapter.connect(address, self.plan.call_timeout_s)
        self.stopping = False
        self._strikes = folder / STRIKES
        self._points = PointStrikes(self.plan, self._passing)
        signal.signal(signal.SIGTERM, self._stop)

    def work(self) -> None:
        """Be a worker until told to stop."""
        plan = self.plan
        options = options_of(plan, self.adapter.claims)
        queues = plan.workers[self.number].queues
        program = self.adapter.worker(f"w{self.number + 1}", queues, options)
        self.ledger.write(Event.WORKER_STARTED)
        for _ in self._acts(program):
            pass

    def serve_client(self) -> None:
        """Be a producer or an operator: do what the plan gives it, from the start on."""
        for _ in self._acts(self.plan.client(self.number - len(self.plan.workers))):
            if self.stopping:
                return

    def _acts(self, program: Worker | Client) -> Iterator[None]:
        """Carry the program's acts out, one at a time."""
        steps = acts(program, self.record, self._points, lambda: self.stopping)
        ask, answer = steps.send, None
        while True:
            try:
                act = ask(answer)
            except StopIteration:
                return
            answer = None
            if isinstance(act, Attempt):
                answer = self.connection.attempt(act.command)
            elif isinstance(act, Labour):
                labour(act)
            elif isinstance(act, Sleep):
                time.sleep(act.seconds)
            elif isinstance(act, WaitUntil):
                time.sleep(max(0.0, act.at_s - self._elapsed()))
            elif isinstance(act, Pause):
                os.kill(os.getpid(), signal.SIGSTOP)  # the driver wakes it
            elif isinstance(act, Die):
                os.kill(os.getpid(), signal.SIGKILL)
            else:
                assert_never(act)
            yield

    @cached_property
    def _started_at(self) -> float:
        """Workers start before the run does, so it is read when it is first needed."""
        return float((self._folder / STARTED).read_text())

    def _elapsed(self) -> float:
        return time.monotonic() - self._started_at

    def _passing(self, fault: int, most: int) -> int:
        return count_passing(self._strikes, str(fault), most)

    def _stop(self, *_: object) -> None:
        self.stopping = True


def labour(act: Labour) -> None:
    """Work for as long as the job takes; the watchdog ends the process at the job's timeout."""
    faulthandler.dump_traceback_later(max(0.001, act.timeout_s), exit=True)
    if act.work_s == float("inf"):
        never_come_back(act.behaviour)
    time.sleep(act.work_s)
    faulthandler.cancel_dump_traceback_later()


def never_come_back(behaviour: str) -> None:
    """Hang as the job does; only the watchdog or a SIGKILL ends it."""
    if behaviour == "hang_in_c":
        ctypes.PyDLL(None).sleep(int(LONGEST_SLEEP_S))  # keeps the interpreter's lock
    while behaviour == "spin":
        try:
            raise RuntimeError
        except BaseException:  # noqa: BLE001 - that is what such jobs do
            continue
    time.sleep(LONGEST_SLEEP_S)


def main(arguments: list[str]) -> None:
    """``node.py worker|client FOLDER NUMBER INCARNATION ADDRESS``."""
    role, folder, number, incarnation, address = arguments
    packed = unpack((Path(folder) / REPLAY).read_text())
    random.seed(packed.plan.seed)  # all alike, as workers are that were restored from one image
    try:
        with blaming(packed.backend):
            node = Node(packed, Path(folder), int(number), int(incarnation), address)
            if role == "worker":
                node.work()
            else:
                node.serve_client()
    except JobquakeError as error:
        print(error, file=sys.stderr)
        sys.exit(BACKEND_FAILED)


if __name__ == "__main__":
    main(sys.argv[1:])
