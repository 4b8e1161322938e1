"""One worker or producer as a real process: carries the generator's wants out for real.

Started by the ``process`` driver. A kill at a fault point is a SIGKILL that the process
gives itself there, after the ledger has the row that says so. A job that overruns its
timeout ends the process through a watchdog in C, which needs no Python to run.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
import time
from functools import cached_property
from pathlib import Path
from typing import Any

from ...backends import registry
from ...backends.adapter import Adapter, Connection
from ...protocol.events import Event
from ...protocol.ledger import Ledger
from ...protocol.producer import WaitUntil
from ...protocol.repeat import Attempt, Sleep
from ...protocol.run_files import LEDGER, REPLAY, STARTED, STRIKES, count_passing
from ...protocol.worker import ApplyEffect, At, Finished, Stopping, Work, WorkerOptions
from ..faults.kill_at import KillAt
from ..plan.plan import Plan
from ..plan.replay import unpack
from ..record.node_record import NodeRecord
from ..strikes import PHASE_AT, PointStrikes

LONGEST_SLEEP_S = 86_400.0


class Node:
    """What a worker and a producer process have in common."""

    def __init__(self, folder: Path, number: int, incarnation: int, address: str) -> None:
        packed = unpack((folder / REPLAY).read_text())
        self.plan: Plan = packed.plan
        self.adapter: Adapter = registry.find(packed.backend)
        self.number = number
        self.ledger = Ledger(folder / LEDGER, number, incarnation)
        self.record = NodeRecord(self.plan, self.ledger.write, time.monotonic, self._elapsed)
        self._folder = folder
        self.connection: Connection = self.adapter.connect(address, self.plan.call_timeout_s)
        self.stopping = False
        self._strikes = folder / STRIKES
        self._points = PointStrikes(self.plan, self._passing)
        signal.signal(signal.SIGTERM, self._stop)

    def work(self) -> None:
        """Be a worker until told to stop."""
        plan, record = self.plan, self.record
        options = WorkerOptions(plan.lease_s, plan.wait_s, plan.grace_s)
        queues = plan.workers[self.number].queues
        wants = self.adapter.worker(f"w{self.number + 1}", queues, options)
        self.ledger.write(Event.WORKER_STARTED)
        answer: Any = None
        while True:
            try:
                want = wants.send(answer)
            except StopIteration:
                return
            answer = None
            if isinstance(want, Attempt):
                answer = self._attempt(want)
            elif isinstance(want, At):
                self._fault_point(want)
            elif isinstance(want, Work):
                work_s, timeout_s = record.begin_work(want)
                faulthandler.dump_traceback_later(max(0.001, timeout_s), exit=True)
                if work_s == float("inf"):
                    never_come_back(record.behaviour)
                time.sleep(work_s)
                faulthandler.cancel_dump_traceback_later()
                answer = record.end_work(want, work_s, self.stopping)
            elif isinstance(want, ApplyEffect):
                record.effect(want)
            elif isinstance(want, Finished):
                record.finished(want)
            elif isinstance(want, Stopping):
                answer = self.stopping
            else:
                assert isinstance(want, Sleep)
                time.sleep(want.seconds)

    def serve_client(self) -> None:
        """Be a producer or an operator: do what the plan gives it, from the start on."""
        wants = self.plan.client(self.number - len(self.plan.workers))
        answer: Any = None
        while not self.stopping:
            try:
                want = wants.send(answer)
            except StopIteration:
                return
            answer = None
            if isinstance(want, WaitUntil):
                time.sleep(max(0.0, want.at_s - self._elapsed()))
            elif isinstance(want, Attempt):
                answer = self._attempt(want)
            elif isinstance(want, Sleep):
                time.sleep(want.seconds)

    @cached_property
    def _started_at(self) -> float:
        """Workers start before the run does, so it is read when it is first needed."""
        return float((self._folder / STARTED).read_text())

    def _elapsed(self) -> float:
        return time.monotonic() - self._started_at

    def _attempt(self, want: Attempt) -> Any:
        self.record.sending(want.command)
        reply = self.connection.attempt(want.command)
        self.record.answered(reply)
        return reply

    def _fault_point(self, want: At) -> None:
        job, phase = self.plan.job_index(want.delivery.job.id), PHASE_AT[want.point]
        for number, fault in self._points.at(job, want.point):
            length_s = fault.lasts_s
            self.ledger.write(
                Event.FAULT_STRUCK,
                phase=phase,
                job=job,
                token=want.delivery.token,
                fault=number,
                value=length_s,
            )
            if isinstance(fault, KillAt):
                os.kill(os.getpid(), signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGSTOP)
            self.ledger.write(Event.RESUMED, job=job, fault=number)

    def _passing(self, fault: int, most: int) -> int:
        return count_passing(self._strikes, str(fault), most)

    def _stop(self, *_: object) -> None:
        self.stopping = True


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
    node = Node(Path(folder), int(number), int(incarnation), address)
    if role == "worker":
        node.work()
    else:
        node.serve_client()


if __name__ == "__main__":
    main(sys.argv[1:])
