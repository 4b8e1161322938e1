"""The queue's own server as a process of a run: started, killed, started again.

It serves from the run's folder, on a port that it keeps when it comes back.
"""

from __future__ import annotations

import select
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from ...backends.adapter import Answered, Elsewhere, Fillable, RemoteQueue, Unavailable
from ...backends.framework import FrameworkSystem
from ...errors import EnvironmentFault
from ...protocol.events import Said
from ...servers import container
from .tree import kill_tree

READY_WITHIN_S = 45.0  # RabbitMQ needs seven seconds of a processor of its own

Spawn = Callable[..., "subprocess.Popen[bytes]"]


class Server:
    """The server of ``adapter`` in ``folder``; ``spawn`` starts a process of the run.

    ``environment`` is what the server has of its own.
    """

    def __init__(
        self,
        adapter: RemoteQueue,
        folder: Path,
        spawn: Spawn,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._adapter = adapter
        self.folder = folder
        self._spawn = spawn
        self._environment = environment or {}
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._serving = False
        self.address: str | None = None
        self._answered = ""

    def ensure(self) -> str | None:
        """Like :meth:`start`, unless it runs already."""
        if self._process is not None and self._process.poll() is None:
            return self.address
        self.reap()
        return self.start()

    def start(self) -> str | None:
        """Start it, again on the port it had; its address, None if the queue has no server.

        Raises :class:`EnvironmentFault` if it does not say in time that it serves.
        """
        port = int(self.address.rpartition(":")[2]) if self.address else 0
        command = self._adapter.server(self.folder, port)
        if command is None:
            self._answered = self._who_answers()
            return None
        with self._log.open("ab") as errors:
            self._process = self._spawn(
                command, self._environment, stdout=subprocess.PIPE, stderr=errors
            )
        assert self._process.stdout is not None
        readable, _, _ = select.select([self._process.stdout], [], [], READY_WITHIN_S)
        line = self._process.stdout.readline().decode() if readable else ""
        if not line.startswith("ready "):
            raise EnvironmentFault(
                f"expected {self._adapter.name} to serve within {READY_WITHIN_S:g} s, found: "
                f"{tail(self._log) or 'no word from it'}"
            )
        self.address = line.split()[1]
        self._serving = True
        return self.address

    def ended(self) -> Said | None:
        """With which words the server has ended by itself; None while it serves, or is killed."""
        if not self._serving or self._process is None or self._process.poll() is None:
            return None
        self._serving = False
        status, words = self._process.returncode, tail(self._log)
        return Said(f"status {status}{words and ': '}{words}", environment=True)

    def replaced(self) -> Said | None:
        """That somebody else's server is another one than at the start; None if it is not."""
        try:
            now = self._who_answers()
        except Unavailable:
            return None  # whoever asks what became of the jobs will tell
        if now == self._answered:
            return None
        return Said(
            f"it was {self._answered} at the start and is {now} at the end; after a failover or "
            "a restart, what the first had not passed on or written down is gone",
            environment=True,
        )

    def _who_answers(self) -> str:
        adapter: object = self._adapter
        return adapter.who_answers(self.folder) if isinstance(adapter, Answered) else ""

    def crash(self) -> bool:
        """SIGKILL, the whole tree, seen dead; False if there is no server of ours to kill."""
        if self._process is None or self._stands_for_theirs():
            return False
        self._serving = False
        kill_tree(self._process.pid)
        self.reap()
        container.crash(self.folder)  # nobody's child, and the wrapper's death is not its own
        return True

    def _stands_for_theirs(self) -> bool:
        adapter: object = self._adapter
        framework = isinstance(adapter, FrameworkSystem)
        return framework and isinstance(adapter, Elsewhere) and bool(adapter.elsewhere())

    def fill(self, full: bool) -> bool:
        """Let it have no memory left, or some again; False if that is in nobody's power."""
        adapter: object = self._adapter
        if not (isinstance(adapter, Fillable) and adapter.fillable and self.address):
            return False
        adapter.fill(self.address, full)
        return True

    def reap(self) -> None:
        """Collect its exit status, so that no zombie is left."""
        if self._process is not None:
            self._process.wait()
            if self._process.stdout:
                self._process.stdout.close()


def tail(log: Path) -> str:
    """The last line of a log, which is where a process says why it ended."""
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1] if lines else ""
