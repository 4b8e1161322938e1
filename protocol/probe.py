"""The probe: what reports and strikes a framework's worker from the inside. Standard library only.

A hook of the library, or the app, tells it of each job: taken, begun, over, acked. Each word is
a row of the ledger before the worker goes on, and may be where a fault strikes. A library
without such a hook leaves words out; what it leaves out, its system does not claim to show.

Where the environment names no run, there is no probe, and nothing happens.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from threading import get_ident
from typing import Any

from ..errors import ProtocolError
from .events import PHASE_AT, Answer, Event, Phase
from .ledger import Ledger, key_hash
from .run_files import LEDGER, STARTED, STRIKES, WORK, count_passing, passings

FOLDER, NODE, INCARNATION = "JOBQUAKE_FOLDER", "JOBQUAKE_NODE", "JOBQUAKE_INCARNATION"
# In a worker of a version that knows the task no more: the number of the fault that made it so.
RENAMED, TASK = "JOBQUAKE_RENAMED", "JOBQUAKE_TASK"
PROCESS, WORKER = "process", "worker"  # what a strike kills; nothing: it pauses
MOST_DELIVERIES = 1_000_000
LONGEST_SLEEP_S = 86_400.0


class JobFailed(ProtocolError):
    """The planned failure of a planned job."""


class Probe:
    """One worker process of a run."""

    def __init__(self, folder: Path, node: int, incarnation: int) -> None:
        self.folder = folder
        self.work: dict[str, Any] = json.loads((folder / WORK).read_text())
        self.ledger = Ledger(folder / LEDGER, node, incarnation)
        self.marks = folder / STRIKES

    def hooked(self) -> None:
        """The worker is about to take jobs, and this probe sees them."""
        self.ledger.write(Event.WORKER_STARTED, value=os.getpid())

    def watches(self) -> None:
        """The library is loaded and this probe is connected to it; no job was taken yet."""
        self.ledger.write(Event.HOOKED, value=os.getpid())

    def knows(self, identifier: str) -> bool:
        """Whether that job is one of the plan."""
        return identifier in self.work["jobs"]

    def received(self, identifier: str) -> None:
        """The worker was handed this job and keeps it until a process of its is free."""
        self.ledger.write(
            Event.RECEIVED, job=int(self.work["jobs"][identifier]["index"]), value=os.getpid()
        )

    @property
    def forgotten(self) -> str:
        """The task that this worker's version does not know; "" if it knows all."""
        return os.environ.get(TASK, "") if RENAMED in os.environ else ""

    def unknown(self, identifier: str) -> None:
        """The worker was handed this job, whose task it does not know."""
        self.ledger.write(
            Event.FAULT_STRUCK,
            job=int(self.work["jobs"][identifier]["index"]),
            phase=Phase.LEASED,
            fault=int(os.environ[RENAMED]),
            key=os.getpid(),
        )

    def took(self, identifier: str) -> Taken:
        """The worker was handed this job."""
        return Taken(self, identifier)

    def again(self, identifier: str) -> Taken:
        """The newest delivery of this job, which another process of this worker began."""
        return Taken(self, identifier, begun_elsewhere=True)

    def stand_still(self) -> None:
        """Stop until the harness kills the whole worker, or wakes who is only paused.

        It is this thread that is told, since another one would stop it too late.
        """
        signal.pthread_kill(get_ident(), signal.SIGSTOP)

    def elapsed(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._started_at

    @cached_property
    def _started_at(self) -> float:
        return float((self.folder / STARTED).read_text())


class Taken:
    """One delivery of a job. Its token says the how-manieth it is, over all workers."""

    def __init__(self, probe: Probe, identifier: str, begun_elsewhere: bool = False) -> None:
        self._probe = probe
        self.identifier = identifier
        self.job = probe.work["jobs"].get(identifier, {"index": -1})
        self.index = int(self.job["index"])
        count = passings if begun_elsewhere else count_passing
        self.token = count(probe.marks, f"taken-{key_hash(identifier)}", MOST_DELIVERIES)

    def begins(self) -> None:
        """The library is about to call the job's function, in this process."""
        self._write(Event.IN_PROCESS, value=os.getpid())
        self._write(Event.STARTED)
        self.at("after_lease")

    def effect(self) -> None:
        """The job does to the world what it is there for."""
        self._write(Event.EFFECT, key=key_hash(self.job.get("key", self.identifier)))

    def returned(self) -> None:
        """The job's function has returned."""
        self._write(Event.RETURNED, value=os.getpid())
        self.at("after_effect")

    def raised(self) -> None:
        """The job's function has raised."""
        self._write(Event.RAISED, value=os.getpid())

    def acking(self) -> None:
        """The worker is about to tell the broker that the job is done."""
        self._since = time.monotonic()
        self._write(Event.ACK_SENT)

    def acked(self) -> None:
        """The broker knows it."""
        self._write(Event.ACK_ANSWERED, answer=Answer.OK, since=self._since)
        self.at("after_ack")

    def over(self) -> None:
        """The worker has nothing more to do with this delivery."""
        self._write(Event.FINISHED)

    def play(self) -> None:
        """Be the job's function: work, fail and hang as the plan says, and have the effect."""
        for pause_s in self._steps():
            time.sleep(pause_s)

    async def play_on_loop(self) -> None:
        """The same as a coroutine, which leaves the event loop to others while it works."""
        import asyncio  # not for everybody: a worker without a loop does not need it

        for pause_s in self._steps():
            await asyncio.sleep(pause_s)

    def _steps(self) -> Iterator[float]:
        """How long to work until the next step, each time."""
        half_s = self.job["service_s"] / 2
        yield half_s
        yield from self._fail_or_hang()
        self.at("mid_job")
        yield half_s
        self.at("before_effect")
        self.effect()

    def at(self, point: str) -> None:
        """Strike here, if a fault says so; pauses before kills.

        A process kills itself; a whole worker is killed by the harness, which knows its tree.
        """
        probe = self._probe
        for fault in probe.work["strikes"].get(self.identifier, {}).get(point, []):
            passing = count_passing(probe.marks, str(fault["number"]), fault["last"])
            if passing < fault["first"]:
                continue
            self._write(
                Event.FAULT_STRUCK,
                phase=PHASE_AT[point],
                fault=fault["number"],
                key=os.getpid(),
                value=fault["for_s"],
            )
            if fault["kills"] == PROCESS:
                os.kill(os.getpid(), signal.SIGKILL)
            if fault["kills"] == WORKER and point == "after_ack":
                continue  # any later moment is as good, and meanwhile it notes what it takes
            probe.stand_still()
            probe.ledger.write(Event.RESUMED, job=self.index, fault=fault["number"])

    def _fail_or_hang(self) -> Iterator[float]:
        behaviour = self.job["behaviour"]
        if behaviour == "permanent":
            raise JobFailed("the record no longer exists")
        if behaviour == "fail" and self.token <= self.job["failures"]:
            raise JobFailed("the dependency refused the connection")
        if behaviour in ("hang", "hang_in_c", "spin"):
            yield LONGEST_SLEEP_S
        if behaviour not in ("depends", "malformed"):
            return
        now_s = self._probe.elapsed()
        for number, begins_s, ends_s in self._probe.work["outages"]:
            if begins_s <= now_s < ends_s:
                self._write(Event.FAULT_STRUCK, phase=Phase.RUNNING, fault=number)
                raise JobFailed(f"the job {behaviour} while its dependency is away")

    def _write(self, event: Event, **fields: Any) -> None:
        self._probe.ledger.write(event, job=self.index, token=self.token, **fields)


def probe_here() -> Probe | None:
    """The probe of this process, if it is a worker of a run."""
    folder = os.environ.get(FOLDER)
    if folder is None:
        return None
    return Probe(Path(folder), int(os.environ[NODE]), int(os.environ[INCARNATION]))
