"""The tiny framework as a system under test, with acks late or early."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from jobquake.backends.claims import Claims
from jobquake.backends.framework import Program, Settings, Wishes
from jobquake.backends.system import EVERYTHING, Driver
from jobquake.protocol.commands import (
    Command,
    Depth,
    Inspect,
    Inspected,
    Measure,
    Measured,
    Reply,
    State,
)
from jobquake.protocol.events import Event
from tiny_framework.client import Client

TINY_FOLDER = Path(__file__).parent / "tiny"
STATES: dict[str, State] = {"ready": "ready", "taken": "leased", "done": "done"}
UNSEEN = {Event.LEASED, Event.EXTEND_ANSWERED, Event.LEASE_LOST}

CLAIMS = Claims(
    fencing=False,
    bounded_deliveries=False,
    dead_letters=False,
    priorities=False,
    bounded_backlog=False,
    retries=False,
    delays=False,
    skips_completed_keys=False,
)


@dataclass(frozen=True)
class Tiny:
    """The tiny framework. Its master lends a job until a connection breaks: no lease is seen."""

    ack: str = "late"
    name: str = "tiny"
    summary: str = "a framework of two processes"
    claims: Claims = CLAIMS
    violates: str | None = None
    framing: None = None
    sees: frozenset[Event] = EVERYTHING - UNSEEN
    drivers: tuple[Driver, ...] = ("process",)
    CONCURRENCY: ClassVar[int] = 2

    def server(self, folder: Path, port: int) -> list[str] | None:
        here = str(TINY_FOLDER / "tiny_framework" / "master.py")
        return [sys.executable, here, str(folder / "jobs.db"), str(port)]

    def settings(self, wishes: Wishes) -> Settings:
        unknown = ("lease_s", "grace_s", "max_deliveries", "retry")
        return Settings({"--ack": self.ack, "--concurrency": str(self.CONCURRENCY)}, unknown)

    def worker_command(
        self,
        folder: Path,
        address: str,
        queues: tuple[str, ...],
        settings: Settings,
        number: int,
    ) -> Program:
        argv = [sys.executable, "-m", "tiny_framework.worker", address, "tiny_app"]
        argv += ["--queues", ",".join(queues)]
        for option, value in settings.given.items():
            argv += [option, value]
        path = os.pathsep.join([str(TINY_FOLDER / "probe"), str(TINY_FOLDER)])
        return Program(argv, {"PYTHONPATH": path})

    def producer_command(self, folder: Path, address: str) -> Program:
        producer = str(TINY_FOLDER / "tiny_producer.py")
        return Program([sys.executable, producer, address], {"PYTHONPATH": str(TINY_FOLDER)})

    def control(self, address: str) -> Control:
        return Control(Client(address))


class Control:
    """What the master still holds, in the harness's words."""

    def __init__(self, master: Client) -> None:
        self._master = master

    def attempt(self, command: Command) -> Reply | None:
        try:
            if isinstance(command, Measure):
                counts = self._master.ask("count")
                depths = [Depth("", STATES[s], n, 0.0) for s, n in counts.items() if s != "done"]
                return Measured(tuple(depths), {})
            assert isinstance(command, Inspect)
            state = self._master.ask("state", id=command.job_id)["state"]
        except OSError:
            return None
        return Inspected(STATES[state] if state else None)

    def close(self) -> None:
        self._master.close()


TINY = Tiny()
TINY_EARLY = Tiny("early", "tiny-early", "the same, acknowledging before it runs")
