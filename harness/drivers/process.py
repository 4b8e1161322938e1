"""The ``process`` driver: real processes, real signals, a real network.

It starts the queue's server, the network, the workers and the clients, carries out the
faults that have a time of their own, and ends the run when everything is settled or at the
deadline. It reads what happened from the ledger alone. Whatever happens to it, the guard
leaves no orphan.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from ...backends.adapter import Adapter, Connection
from ...protocol.commands import Measure, Measured
from ...protocol.events import Event, Phase
from ...protocol.ledger import Ledger, LedgerReader
from ...protocol.run_files import LEDGER, STARTED
from ...proxy.choice import EMBEDDED
from ..faults import LinkFault
from ..faults.broker_crash import BrokerCrash
from ..faults.fault import Fault
from ..faults.fields import FOR_EVER_S
from ..faults.kill_worker import KillWorker
from ..faults.terminate import Terminate
from ..plan.plan import Plan
from ..record.history import History
from ..strikes import phase_of
from .crew import Crew, Nodes, Role
from .fleet import TICK_S, Fleet, Slot
from .guard import MARK, Lair, guarded, sweep
from .long_lived import Shaken
from .network import Network
from .observe import QUIET_POLL_S, observations, pending
from .server import Server, Spawn

Progress = Callable[[Counter[str]], None]


class Due(NamedTuple):
    """A fault that has a time of its own begins, or is over, at ``at_s`` of the run."""

    at_s: float
    number: int
    what: Literal["begins", "heals"]
    fault: Fault


class ProcessRun:
    """One plan on one backend with real processes. ``run`` once, in the main thread.

    ``server`` is one that outlives the run; without it the run has one of its own. ``crew``
    are other workers and clients than jobquake's own.
    """

    def __init__(
        self,
        plan: Plan,
        adapter: Adapter,
        lair: Lair,
        progress: Progress | None = None,
        toxiproxy: str = EMBEDDED,
        server: Server | None = None,
        crew: Crew | None = None,
    ) -> None:
        self.plan = plan
        self._adapter = adapter
        self._crew = crew or Nodes(plan, adapter)
        self._mark, self._folder = lair.mark, lair.folder
        self._spawn = spawner(lair)
        self._progress = progress
        self._toxiproxy = toxiproxy
        self._clients: list[subprocess.Popen[bytes]] = []
        self._rows: list[list[float]] = []
        self._strikes = 0
        self._agenda = _agenda(plan)
        self._started_at = 0.0
        self._nodes = len(plan.workers) + plan.clients
        self._own_server = server is None
        self._server = server or Server(adapter, self._folder, self._spawn)
        self._addresses = [str(self._server.folder)] * self._nodes
        self._network: Network | None = None

    def run(self) -> History:
        """Execute the plan; the history. Raises :class:`EnvironmentFault` if it cannot."""
        self._crew.prepare(self._folder)
        self._ledger = Ledger(self._folder / LEDGER)
        self._reader = LedgerReader(self._folder / LEDGER)
        self._fleet = Fleet(
            self.plan,
            lambda number, incarnation: self._start_node("worker", number, incarnation),
            self._ledger,
            self._read,
            self._node_log,
        )
        try:
            control = self._connect()
            self._fleet.start()
            self._started_at = time.monotonic()
            (self._folder / STARTED).write_text(repr(self._started_at))
            workers = len(self.plan.workers)
            self._clients = [
                self._start_node("client", workers + number, 1)
                for number in range(self.plan.clients)
            ]
            self._until_quiet(control)
            self._fleet.stop()
            for seen in observations(self.plan, control.attempt):
                self._ledger.write(seen.event, job=seen.job, answer=seen.answer, value=seen.value)
            control.close()
        finally:
            if self._network:
                self._network.stop()
            sweep(self._mark)
            self._reap()
            self._ledger.close()
        self._read()
        self._reader.finish()
        return self._history()

    @property
    def network(self) -> str:
        """Which Toxiproxy, and its version; ``none`` if the queue is reached without."""
        return self._network.version if self._network else "none"

    # -- processes ----------------------------------------------------------------------

    def _connect(self) -> Connection:
        """Start the server, and the network before it; the harness's own way past the network."""
        server = self._server.ensure()
        framing = self._adapter.framing
        if server and framing:
            self._network = Network(
                server, framing, self.plan, self._ledger, self._toxiproxy, self._mark
            )
            self._addresses = self._network.start(self._nodes)
        elif server:
            self._addresses = [server] * self._nodes
        return self._crew.control(server or str(self._server.folder))

    def _start_node(self, role: Role, number: int, incarnation: int) -> subprocess.Popen[bytes]:
        argv, env = self._crew.program(
            role, self._folder, number, incarnation, self._addresses[number]
        )
        with self._node_log(number).open("ab") as log:
            return self._spawn(argv, env, stdout=log, stderr=log)

    def _node_log(self, number: int) -> Path:
        return self._folder / f"node-{number}.log"

    def _reap(self) -> None:
        """Collect the exit status of every child, so that no zombie is left in the table."""
        self._fleet.abandon()
        for process in self._clients:
            process.wait()
        if self._own_server:
            self._server.reap()

    def _read(self) -> None:
        """Take in what the nodes have written to the ledger since the last look."""
        for row in self._reader.new_rows():
            self._rows.append(row)
            self._strikes += row[2] == Event.FAULT_STRUCK
            self._fleet.saw(row)

    # -- faults -------------------------------------------------------------------------

    def _strike_due(self) -> None:
        """Carry out what is on the agenda of faults that have a time of their own."""
        while self._agenda and time.monotonic() - self._started_at >= self._agenda[0].at_s:
            due = self._agenda.pop(0)
            if due.what == "heals":
                self._heal(due.number, due.fault)
            elif isinstance(due.fault, KillWorker | Terminate):
                self._end_workers(due.number, due.fault)
            elif isinstance(due.fault, LinkFault):
                self._begin(due.number, due.fault)

    def _end_workers(self, number: int, fault: KillWorker | Terminate) -> None:
        """Kill the whole process tree, or tell it to stop; write down whom it struck."""
        workers = (fault.worker,) if isinstance(fault, KillWorker) else fault.workers
        for worker in workers:
            if worker >= len(self._fleet.slots):
                continue
            slot = self._fleet.slots[worker]
            at = time.monotonic()
            if isinstance(fault, KillWorker):
                struck = self._fleet.kill(worker, fault.for_s)
                holding = self._holding(slot)  # known for sure only now that it is dead
            else:
                self._read()
                holding = self._holding(slot)
                struck = self._fleet.terminate(worker, fault.within_s)
            if struck:
                self._struck(number, slot, holding, at)
            else:
                self._ledger.write(Event.FAULT_STRUCK, t=at, node=worker, fault=number)

    def _begin(self, number: int, fault: LinkFault) -> None:
        """A fault that lasts begins: who holds a job is struck, wherever it stands."""
        self._read()
        at = time.monotonic()
        holders = [(slot, self._holding(slot)) for slot in self._fleet.holders()]
        if isinstance(fault, BrokerCrash):
            if not self._server.crash():
                return  # a file cannot crash; the run will say that nothing was struck
        elif self._network:
            self._network.begin(number, fault)
        else:
            return
        if fault.strikes_waiting:
            # Whoever waits to be leased is struck, too, if anybody does.
            self._ledger.write(
                Event.FAULT_STRUCK, t=at, phase=Phase.BEFORE_LEASE, fault=number, value=fault.for_s
            )
        for slot, holding in holders:
            if fault.strikes_holder(slot.number):
                self._struck(number, slot, holding, at, fault.for_s)

    def _heal(self, number: int, fault: Fault) -> None:
        if isinstance(fault, BrokerCrash):
            self._server.start()
        elif isinstance(fault, LinkFault) and self._network:
            self._network.heal(number, fault)

    def _holding(self, slot: Slot) -> list[tuple[int, Phase]]:
        """The jobs that the worker holds and how far each has come; (-1, idle) if it has none."""
        return [(job, phase_of(self._rows, slot.number, job)) for job in slot.jobs or (-1,)]

    def _struck(
        self,
        number: int,
        slot: Slot,
        holding: list[tuple[int, Phase]],
        at: float,
        length_s: float = 0.0,
    ) -> None:
        """The fault met this worker: a row for each job that it held."""
        for job, phase in holding:
            self._ledger.write(
                Event.FAULT_STRUCK,
                t=at,
                node=slot.number,
                incarnation=slot.incarnation,
                phase=phase,
                job=job,
                fault=number,
                value=length_s,
            )

    # -- the end ------------------------------------------------------------------------

    def _until_quiet(self, control: Connection) -> None:
        """Supervise until everything is settled and healed, or until the deadline."""
        next_poll = 0.0
        while True:
            self._read()
            self._fleet.supervise()
            self._strike_due()
            now = time.monotonic() - self._started_at
            if now >= next_poll:
                next_poll = now + QUIET_POLL_S
                if self._progress:
                    self._progress(self._fleet.counts + Counter({"strikes": self._strikes}))
                if now >= self.plan.deadline_s:
                    self._ledger.write(Event.DEADLINE)
                    return
                if self._quiet(control, now):
                    self._ledger.write(Event.QUIET)
                    return
            time.sleep(TICK_S)

    def _quiet(self, control: Connection, now: float) -> bool:
        if any(process.poll() is None for process in self._clients):
            return False
        if now < self.plan.healed_at_s or self._agenda or self._fleet.busy:
            return False
        measured = control.attempt(Measure())
        return isinstance(measured, Measured) and not pending(measured)

    def _history(self) -> History:
        start = self._started_at
        rows = []
        for row in self._rows:
            t, since, *rest = row
            rows.append((t - start, since - start if since >= 0 else -1.0, *rest))
        return History(rows)  # type: ignore[arg-type]


def _agenda(plan: Plan) -> list[Due]:
    """What begins and heals at which time of the run, in order."""
    agenda = []
    for number, fault in enumerate(plan.faults):
        if isinstance(fault, KillWorker | Terminate | LinkFault):
            agenda.append(Due(fault.at_s, number, "begins", fault))
        if isinstance(fault, LinkFault) and fault.for_s < FOR_EVER_S:
            agenda.append(Due(fault.at_s + fault.for_s, number, "heals", fault))
    return sorted(agenda, key=lambda due: due[:2])


def spawner(lair: Lair) -> Spawn:
    """Starts processes in the folder of the lair that carry its mark."""

    def spawn(
        command: list[str], env: Mapping[str, str] | None = None, **options: object
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            command,
            env=os.environ | dict(env or {}) | {MARK: lair.mark, "PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            cwd=lair.folder,
            **options,
        )

    return spawn


def shake(
    plan: Plan,
    adapter: Adapter,
    progress: Progress | None = None,
    toxiproxy: str = EMBEDDED,
    server: Server | None = None,
    crew: Crew | None = None,
) -> Shaken:
    """Run the plan with real processes, on that server and with that crew if they are given."""
    with guarded(adapter) as lair:
        run = ProcessRun(plan, adapter, lair, progress, toxiproxy, server, crew)
        history = run.run()
        return Shaken(history, (lair.folder / LEDGER).read_bytes(), run.network)
