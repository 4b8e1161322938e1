"""Who the workers and the clients of a run are: as which programs they are started.

A queue's workers and clients are jobquake's own (:mod:`.node`). A framework brings others.
The driver starts, kills and replaces them alike, and knows them by their ledger rows only.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal, Protocol

from ...backends.adapter import Connection, RemoteQueue
from ...backends.framework import Program
from ...protocol.run_files import REPLAY, STRIKES
from ..plan.plan import Plan
from ..plan.replay import encode

CONTROL_TIMEOUT_S = 5.0
Role = Literal["worker", "client"]


class Crew(Protocol):
    """The programs of one run."""

    def prepare(self, folder: Path) -> None:
        """Put into the folder of the run what its processes read there."""

    def program(
        self, role: Role, folder: Path, number: int, incarnation: int, address: str
    ) -> Program:
        """How to start a node; clients are numbered behind the workers."""

    def control(self, address: str) -> Connection:
        """The harness's own way to the queue, past the network."""


class Nodes:
    """Jobquake's own workers and clients on the queue of ``adapter``."""

    def __init__(self, plan: Plan, adapter: RemoteQueue) -> None:
        self._plan = plan
        self._adapter = adapter

    def prepare(self, folder: Path) -> None:
        (folder / STRIKES).mkdir()
        (folder / REPLAY).write_text(encode(self._plan, self._adapter.name, "process"))

    def program(
        self, role: Role, folder: Path, number: int, incarnation: int, address: str
    ) -> Program:
        node = [sys.executable, "-m", "jobquake.harness.drivers.node", role]
        return Program([*node, str(folder), str(number), str(incarnation), address])

    def control(self, address: str) -> Connection:
        return self._adapter.connect(address, CONTROL_TIMEOUT_S)
