"""Where a bug is staged: a real broker, a wire to it, real workers, and the app's own client.

Workers reach the broker over the wire, a proxy on which a reply can be held while something
happens; the client reaches it directly. Nothing of it outlives the block.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any, ClassVar, Literal, cast

import psutil

from ..backends.adapter import RemoteQueue
from ..backends.system import Time
from ..effects.app import App, AppProcess
from ..errors import EnvironmentFault
from ..harness.drivers.clean import MARK, Workspace
from ..harness.drivers.guard import guarded
from ..harness.drivers.pace import Pace
from ..harness.drivers.pace_of import pace_of
from ..harness.drivers.spawn import spawner
from ..harness.drivers.tree import kill_tree
from ..proxy.embedded import Embedded
from ..proxy.triggers import Armed, Trigger
from ..servers import running
from ..servers.postgres import DATABASE, USER

Broker = Literal["redis", "postgres"]
URLS: dict[Broker, str] = {
    "redis": "redis://{}/0",
    "postgres": f"postgresql://{USER}@{{}}/{DATABASE}?sslmode=disable",
}
WIRE = "wire"
READY_WITHIN_S = 60.0
LOOK_EVERY_S, LOOK_AFTER = 0.2, 0.03  # seconds, and a share of what was waited already
BROKER_VARIABLE, LEDGER_VARIABLE = "SHOP_BROKER", "SHOP_LEDGER"


class Held:
    """A reply that is held back on the wire as soon as it comes, until it is released."""

    def __init__(self) -> None:
        self._passes: Future[None] = Future()
        self.armed: Armed | None = None

    @property
    def struck(self) -> bool:
        return self.armed is not None and self.armed.struck > 0

    def release(self) -> None:
        self._passes.set_result(None)

    def meet(self, strike: object) -> Future[None]:
        return self._passes


class Stage:
    """See :func:`staged`."""

    def __init__(
        self, app: App, workspace: Workspace, pace: Pace, proxy: Embedded, broker: Broker
    ) -> None:
        self.folder, self._pace, self._proxy = workspace.folder, pace, proxy
        self._spawn = spawner(workspace, pace)
        self._began_s = pace.now_s()
        self._workers = 0
        self.address = self._start(broker)
        self.wire = proxy.run(self._open_wire())
        self._ledger = self.folder / "shop.txt"
        self._ledger.touch()
        shared = {LEDGER_VARIABLE: str(self._ledger), "PYTHONPATH": str(app.folder)}
        self._of_workers = {**shared, BROKER_VARIABLE: URLS[broker].format(self.wire)}
        own = {**shared, BROKER_VARIABLE: URLS[broker].format(self.address)}
        self._bin = app.python.parent
        self.app = App(app.folder, app.python, {**app.environment, **own})
        self._client = AppProcess(self.app)

    # -- the app --------------------------------------------------------------------------

    def ask(self, name: str, *args: Any) -> Any:
        """What that function of the app returns to a client: ``rq_shop:submit``."""
        return self._client.ask(name, *args)

    @property
    def ledger(self) -> list[str]:
        """What the app's jobs have done, in order."""
        return self._ledger.read_text().splitlines()

    def worker(self, program: str, *words: str) -> Worker:
        """Start the library's own worker command, from the app's environment."""
        self._workers += 1
        log = self.folder / f"worker-{self._workers}.log"
        with log.open("ab") as file:
            command = [str(self._bin / program), *words]
            process = self._spawn(command, self._of_workers, stdout=file, stderr=file)
        return Worker(process, log)

    # -- the wire -------------------------------------------------------------------------

    def hold_reply(self, request_has: str, reply_has: str = "") -> Held:
        """Hold the first reply to a request with this text, if it has that one."""
        held = Held()
        trigger = Trigger(
            "callback", counts="trips_of_proxy", request_has=request_has, reply_has=reply_has
        )
        held.armed = self._proxy.call(
            lambda: self._proxy.server.watch(WIRE).arm(trigger, held.meet)
        )
        return held

    def cut(self) -> None:
        """Close all connections on the wire, and refuse new ones until it is mended."""
        self._proxy.call(self._proxy.server.proxies[WIRE].stop)

    def mend(self) -> None:
        """Let workers connect again."""
        self._proxy.run(self._proxy.server.proxies[WIRE].start())

    # -- time -----------------------------------------------------------------------------

    @property
    def elapsed_s(self) -> float:
        """Since the stage was set, by its own clock."""
        return self._pace.now_s() - self._began_s

    def until(self, condition: Callable[[], object], within_s: float = READY_WITHIN_S) -> bool:
        """Whether the condition came true within that time of the stage's clock."""
        began_s = self.elapsed_s
        while not condition():
            waited_s = self.elapsed_s - began_s
            if waited_s >= within_s:
                return False
            self._rest(max(LOOK_EVERY_S, LOOK_AFTER * waited_s))
        return True

    def _rest(self, for_s: float) -> None:
        until_s = self._pace.now_s() + for_s
        while self._pace.now_s() < until_s:
            self._pace.nap(until_s)

    def close(self) -> None:
        with self._client:
            pass

    def _start(self, broker: Broker) -> str:
        log = self.folder / "broker.log"
        command = running.command(broker, self.folder / broker, careless=True)
        said = self.folder / "broker.txt"
        with log.open("ab") as words, said.open("ab") as out:
            process: Popen[bytes] = self._spawn(command, stdout=out, stderr=words)
        self.until(lambda: said.read_text().endswith("\n") or process.poll() is not None)
        if not said.read_text().startswith("ready "):
            told = log.read_text().strip().splitlines() or ["no word from it"]
            raise EnvironmentFault(f"expected {broker} to start, found: {told[-1]}")
        return said.read_text().split()[1]

    async def _open_wire(self) -> str:
        proxy = self._proxy.server.make(WIRE, "127.0.0.1:0", self.address)
        await self._proxy.server.add(proxy)
        return proxy.listen


class Worker:
    """A worker's main process, with all that it starts."""

    def __init__(self, process: Popen[bytes], log: Path) -> None:
        self._process, self._log = process, log

    @property
    def log(self) -> list[str]:
        return self._log.read_text(errors="replace").splitlines()

    def kill(self) -> None:
        """SIGKILL it and its descendants, seen dead."""
        kill_tree(self._process.pid)
        self._process.wait()

    def kill_child(self) -> None:
        """SIGKILL its only descendant, as the kernel does when memory runs out."""
        (child,) = psutil.Process(self._process.pid).children(recursive=True)
        os.kill(child.pid, signal.SIGKILL)


class _Guarded:
    """What the guard needs of an adapter: there is nothing of it outside the folder."""

    name: ClassVar[str] = "backtest"


@contextmanager
def staged(app: App, broker: Broker, time: Time | None = None) -> Iterator[Stage]:
    """A stage for that app, whose folder is on its workers' path. ``time`` None: leaping if it can.

    Raises EnvironmentFault if no broker can be had, or no leaping time where it was asked for.
    """
    # Of an adapter the guard uses its name, and asks whether it keeps something elsewhere.
    guard = guarded(cast("RemoteQueue", _Guarded()))
    with guard as workspace, pace_of(time, workspace.mark, "") as pace:
        shared = {"PYTHONDONTWRITEBYTECODE": "1", MARK: workspace.mark, **pace.environment}
        with Embedded(clock=pace.loop_clock) as proxy:
            client = App(app.folder, app.python, {**app.environment, **shared})
            stage = Stage(client, workspace, pace, proxy, broker)
            try:
                yield stage
            finally:
                stage.close()
