"""Who the workers and the clients of a run are, and how they are started.

A queue's workers and clients are jobquake's own (:mod:`.node`), forked by a nursery. A framework
brings others, each a program. The driver kills and replaces them alike, and knows them by their
ledger rows only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

from ...backends import registry
from ...backends.adapter import Connection, RemoteQueue
from ...errors import EnvironmentFault, JobquakeError, UsageError
from ...protocol.events import Row
from ...protocol.ledger import Ledger
from ...protocol.run_files import REPLAY, STRIKES
from ..plan.plan import Plan
from ..plan.replay import encode
from ..plan.within import suited
from ..properties import Judgement
from .fleet import Slot, see_backend
from .nursery import Nursery
from .pace import Pace
from .server import READY_WITHIN_S, Spawn
from .tree import Running

CONTROL_TIMEOUT_S = 5.0
Role = Literal["worker", "client"]


class Crew(Protocol):
    """The workers and clients of one run in ``folder``; ``spawn`` starts a process of the run."""

    @property
    def ready_within_s(self) -> float:
        """How long a worker may take until it says that it works."""

    @property
    def settles_s(self) -> float:
        """How long nothing may move until a run is quiet: what a broker holds is read piece by
        piece, and a message is nowhere to be seen while a worker takes it."""

    @property
    def services(self) -> Mapping[str, str]:
        """Where what the jobs call besides the queue listens, by name, once it is prepared."""

    def reach(self, places: Mapping[int, Mapping[str, str]]) -> None:
        """Where each node is to find the services: behind the network of the run."""

    def prepare(self, folder: Path, spawn: Spawn, pace: Pace) -> None:
        """Put into the folder of the run what its processes read there.

        Where nodes end unseen by ``spawn``, let ``pace`` watch what tells of it.
        """

    def muster(self, addresses: Mapping[int, str], log: Callable[[int], Path]) -> None:
        """Have clients that take long to load stand ready before the time of the run begins."""

    def start(self, role: Role, number: int, incarnation: int, address: str, log: Path) -> Running:
        """Start a node, whose last words go to ``log``; clients are numbered behind the workers."""

    def renames(self, fault: int, number: int) -> bool:
        """Whoever starts as that worker from now on does not know the task of the plan, which is
        what the fault of this number does. False if workers know no tasks by names."""

    def absent(self, slot: Slot, log: Path) -> JobquakeError:
        """What is wrong with a worker that has not said in time that it works."""

    def see(self, status: int | None, log: Path) -> None:
        """Raise :class:`JobquakeError` if a client ended with that status and must not have."""

    def control(self, address: str) -> Connection:
        """The harness's own way to the queue, past the network."""

    @property
    def judgements(self) -> Sequence[Judgement]:
        """What is proved of what somebody says of the run, when it has finished."""

    def poll(self) -> None:
        """The run goes on. To be called every now and then."""

    def finish(self, ledger: Ledger, rows: Sequence[Row]) -> None:
        """Write down what is known of the jobs outside of the queue; the ledger has ``rows``."""

    def end(self) -> None:
        """Kill the nodes that are left, and see every one dead."""


class Nodes:
    """Jobquake's own workers and clients on the queue of ``adapter``."""

    ready_within_s = READY_WITHIN_S
    settles_s = 0.0
    services: Mapping[str, str] = {}
    judgements: Sequence[Judgement] = ()

    def __init__(self, plan: Plan, adapter: RemoteQueue) -> None:
        self._plan = plan
        self._adapter = adapter
        self._nursery: Nursery | None = None

    def prepare(self, folder: Path, spawn: Spawn, pace: Pace) -> None:
        self._see_that_processes_find_it()
        (folder / STRIKES).mkdir()
        (folder / REPLAY).write_text(encode(self._plan, self._adapter.name, "process"))
        self._folder = folder
        self._nursery = Nursery(folder, spawn)
        pace.watch(self._nursery.fileno())

    def _see_that_processes_find_it(self) -> None:
        name = self._adapter.name
        try:
            registry.find(name)
        except KeyError:
            raise UsageError(
                f"expected a backend that worker processes find by its name, found none that is "
                f"called {name!r}; name it in the entry points {registry.GROUP!r} of an installed "
                "package"
            ) from None

    def reach(self, places: Mapping[int, Mapping[str, str]]) -> None:
        """Jobs of jobquake's own call nobody."""

    def muster(self, addresses: Mapping[int, str], log: Callable[[int], Path]) -> None:
        """They are forked from a process that has loaded everything."""

    def renames(self, fault: int, number: int) -> bool:
        return False

    def absent(self, slot: Slot, log: Path) -> JobquakeError:
        return EnvironmentFault(
            f"expected worker {slot.number + 1} to work within {self.ready_within_s:g} s, found "
            "that it does not; is the machine overloaded?"
        )

    def see(self, status: int | None, log: Path) -> None:
        see_backend(status, log)

    def start(self, role: Role, number: int, incarnation: int, address: str, log: Path) -> Running:
        assert self._nursery is not None
        node = [role, str(self._folder), str(number), str(incarnation), address]
        return self._nursery.start(node, log)

    def control(self, address: str) -> Connection:
        leased = suited(self._adapter, self._plan)
        return leased.connect(address, CONTROL_TIMEOUT_S)

    def poll(self) -> None:
        """Nobody is asked."""

    def finish(self, ledger: Ledger, rows: Sequence[Row]) -> None:
        """All that is known is in the ledger already."""

    def end(self) -> None:
        if self._nursery:
            self._nursery.end()
