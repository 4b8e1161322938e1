"""One served queue under many runs with real processes: started once, killed only by plans.

Its files stay in a folder of its own, so that it can go on another day. Its server carries
a mark of its own, so that the end of a run does not end it, and a guard of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from ...backends.adapter import Connection, RemoteQueue
from ...backends.system import Time
from ...protocol.commands import Measure, Reply
from ..faults.fields import SERVER
from ..plan.plan import Plan
from .clean import Workspace, clean, marked
from .conductor import QUIET_POLL_S
from .crew import CONTROL_TIMEOUT_S
from .execution import Execution, Shaken
from .guard import guarded
from .long_lived import settle
from .pace import Pace
from .pace_of import pace_of, why_real
from .process import shake
from .server import Server
from .spawn import spawner

MEASURE_TIMEOUT_S = 1.0


class NewEachTime(NamedTuple):
    """See :class:`.execution.Shaken`: each plan has a server of its own, at that pace."""

    adapter: RemoteQueue
    pace: Pace

    def shake(self, plan: Plan) -> Execution:
        return shake(plan, self.adapter, pace=self.pace)


class ServedQueue:
    """See :class:`.long_lived.LongLivedQueue`."""

    def __init__(self, adapter: RemoteQueue, workspace: Workspace, pace: Pace) -> None:
        self._adapter = adapter
        self._workspace = workspace
        self.pace = pace
        self._begin()

    def _begin(self) -> None:
        self._server = Server(
            self._adapter,
            self._workspace.folder,
            spawner(self._workspace, self.pace),
            self.pace.environment_of(SERVER),
        )
        self.address = self._server.ensure() or str(self._workspace.folder)
        # It lives as long as the queue: on a shared store it is the one that keeps house.
        self._control: Connection = self._adapter.connect(self.address, CONTROL_TIMEOUT_S)

    def shake(self, plan: Plan) -> Execution:
        return shake(plan, self._adapter, server=self._server, pace=self.pace)

    def empty(self) -> Shaken:
        return NewEachTime(self._adapter, self.pace)

    def settle(self, plan: Plan) -> int:
        self._server.ensure()
        began_s = self.pace.now_s()

        def wait() -> float:
            self.pace.nap(self.pace.now_s() + QUIET_POLL_S)
            return self.pace.now_s() - began_s

        return settle(plan, self._control.attempt, wait)

    def renew(self) -> None:
        self.end()
        clean(self._workspace._replace(kept=False), self._adapter)
        self._workspace.folder.mkdir(mode=0o700)
        self._begin()

    def restart(self) -> bool:
        """Kill the server and start it again; False if there is none."""
        if not self._server.crash():
            return False
        self._server.start()
        return True

    def measure(self) -> Reply | None:
        connection = self._adapter.connect(self.address, MEASURE_TIMEOUT_S)
        with closing(connection):
            return connection.attempt(Measure())

    def memory(self) -> int:
        held = 0
        for process in marked(self._workspace.mark):
            with suppress(psutil.Error):  # it has just ended
                held += process.memory_info().rss
        return held

    def end(self) -> None:
        self._control.close()
        self._server.crash()


@contextmanager
def served(adapter: RemoteQueue, folder: Path, time: Time | None = None) -> Iterator[ServedQueue]:
    """A queue that keeps its files in ``folder``, served until the end of the block.

    What it keeps elsewhere, in a container or in somebody else's server, ends with the block.
    ``time`` is as in :func:`..run.run`.
    """
    with (
        guarded(adapter, folder) as workspace,
        pace_of(time, workspace.mark, why_real(adapter)) as pace,
    ):
        queue = ServedQueue(adapter, workspace, pace)
        try:
            yield queue
        finally:
            queue.end()
