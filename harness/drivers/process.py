"""The ``process`` driver: real processes, real signals, a real network.

It starts the queue's server, the network, the workers and the clients, carries out the faults that
have a time of their own, and ends the run when everything is settled or at the deadline. It reads
what happened from the ledger alone. Whatever happens to it, the guard leaves no orphan.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import cast

from msgspec.structs import replace

from ...backends.adapter import Connection, RemoteQueue
from ...backends.system import Time
from ...protocol.commands import Command, Measured, Reply
from ...protocol.events import Event, Phase
from ...protocol.ledger import Ledger, LedgerReader
from ...protocol.run_files import LEDGER, STARTED
from ...proxy.choice import EMBEDDED
from ...whole_file import write_whole
from ..faults import TimedFault
from ..faults.fields import SERVER
from ..plan.plan import Plan
from ..plan.within import suited
from ..record.history import History
from ..strikes import phase_of
from .agenda import Agenda
from .clean import Workspace, sweep
from .clients import Clients
from .conductor import QUIET_POLL_S, Conductor, Holding
from .crew import Crew, Nodes, Role
from .execution import Execution
from .fleet import Fleet, Slot
from .guard import guarded
from .hands import Hands
from .in_hand import in_hand
from .logs import Moments
from .network import Network
from .observe import Observation, observations, write
from .pace import Pace, RealTime
from .pace_of import pace_of, why_real
from .poke import told, watch, worth_it
from .process_world import ProcessWorld
from .rows import Rows
from .server import Server
from .spawn import spawner
from .tree import Running
from .trips import Record

POLL_AGAIN = 0.05  # a pause between two questions, as a share of the time in which nothing moved
LONGEST_PAUSE_S = 5.0

Progress = Callable[[Counter[str]], None]


class ProcessRun:
    """One plan on one backend with real processes. ``run`` once, in the main thread.

    To the conductor this is the :class:`.conductor.Stage`. ``server`` is one that outlives the
    run; without it the run has one of its own. ``crew`` are other workers and clients than
    jobquake's own. ``record`` takes down each round trip.
    """

    def __init__(
        self,
        plan: Plan,
        adapter: RemoteQueue,
        workspace: Workspace,
        progress: Progress | None = None,
        toxiproxy: str = EMBEDDED,
        server: Server | None = None,
        crew: Crew | None = None,
        pace: Pace | None = None,
        record: Record | None = None,
    ) -> None:
        self.plan = plan
        self._pace = pace or RealTime()
        self._adapter = suited(adapter, plan)
        self._crew = crew or Nodes(plan, adapter)
        self._mark, self._folder = workspace.mark, workspace.folder
        self._spawn = spawner(workspace, self._pace)
        self._progress = progress
        self._toxiproxy = toxiproxy
        self._record = record
        self._clients = Clients()
        self._rows = Rows(plan.faults)
        self._hands = Hands(self._pace)
        self._ahead_s = defaultdict[int, float](float)
        self._struck_at, self._started_at, self._quiet = 0.0, 0.0, False
        self._agenda = Agenda(plan, patient=self._crew.settles_s > 0.0)
        self._conductor = Conductor(plan, self, adapter.claims)
        self._nodes = len(plan.workers) + plan.clients
        self._own_server = server is None
        self.server = server or Server(
            self._adapter, self._folder, self._spawn, self._pace.environment_of(SERVER)
        )
        self._addresses = [str(self.server.folder)] * self._nodes
        self.network: Network | None = None
        self.where: dict[int, str] = {}
        self._moments = Moments(self._node_log)

    def run(self) -> History:
        """Execute the plan; the history. Raises :class:`EnvironmentFault` if it cannot."""
        self._ledger = Ledger(self._folder / LEDGER, clock=self._pace.now_s)
        self._reader = LedgerReader(self._folder / LEDGER)
        self._fleet = Fleet(
            self.plan,
            lambda number, incarnation: self._start_node("worker", number, incarnation),
            self._ledger,
            self._read,
            self._node_log,
            self._pace,
            self._crew.absent,
            self._crew.ready_within_s,
            self._hands.settled,
        )
        try:
            self._pace.watch_file(self._folder / LEDGER)
            self._crew.prepare(self._folder, self._spawn, self._pace)
            self._control = self._connect()
            self._fleet.start()
            workers = len(self.plan.workers)
            self._crew.muster(dict(enumerate(self._addresses[workers:], workers)), self._node_log)
            self._started_at = self._pace.now_s()
            if self.network:
                self.network.begins(self._started_at)
            write_whole(self._folder / STARTED, repr(self._started_at))
            for number in range(workers, self._nodes):
                self._clients.add(number, self._start_node("client", number, 1))
            self._until_quiet()
            if said := self.server.replaced():
                self._ledger.write(Event.ERRED, key=self._ledger.say(said), value=1.0)
            self._clients.end()
            seen_first = self._seen_of_others() if self._crew.settles_s else []
            self._fleet.stop()
            for seen in seen_first or self._observed():
                if seen.where and seen.event != Event.SETTLED:
                    self.where[seen.job] = seen.where
                write(seen, self._ledger)
            self._control.close()
            self._read()
            self._crew.finish(self._ledger, self._rows)
        finally:
            if self.network:
                self.network.stop()
            self._end()
            self._ledger.close()
        self._read()
        self._reader.finish()
        return History.from_ledger(self._rows, self._started_at, self._reader.said)

    def _observed(self) -> list[Observation]:
        ask = self._control.attempt
        return list(observations(self.plan, self._adapter.claims, ask, self._ledger.say))

    def _seen_of_others(self) -> list[Observation]:
        """What the broker of a library's own workers says; see :mod:`.poke`."""
        seen, living = self._observed(), self._fleet.lives
        if not self._quiet and worth_it(seen, self.plan.recovery_s >= self.plan.lease_s):
            self._ledger.write(Event.POKED)
            number, address = self._nodes, self.server.address or str(self.server.folder)
            fresh = self._crew.start("worker", number, 1, address, self._node_log(number))
            watch(fresh, self._look, self._control, self._pace, self.plan.recovery_s)
            seen = told(seen, self._observed())
            living = {*self._fleet.lives, *([(number, 1)] if fresh.poll() is None else [])}
        return [*seen, *in_hand(self._rows, living, seen)]

    def _look(self) -> int:
        self._read()
        self._fleet.supervise()
        return len(self._rows)

    @property
    def logged(self) -> dict[int, tuple[str, ...]]:
        """Of jobs that a fault struck: what their worker wrote to its log after that."""
        return self._moments.lines()

    @property
    def network_name(self) -> str:
        """Which Toxiproxy, and its version; ``none`` if the queue is reached without."""
        return self.network.version if self.network else "none"

    # -- processes ----------------------------------------------------------------------

    def _connect(self) -> Connection:
        """Start the server, and the network before it; the harness's own way past the network."""
        server = self.server.ensure()
        framing = self._adapter.framing
        if server and framing:
            self.network = Network(
                server,
                framing,
                self.plan,
                self._ledger,
                self._toxiproxy,
                self._mark,
                self._pace.loop_clock,
                self._record,
                self._hands,
            )
            self._addresses = self.network.start(self._nodes)
            self._crew.reach(self.network.before(self._crew.services, self._nodes))
        elif server:
            self._addresses = [server] * self._nodes
        return self._crew.control(server or str(self.server.folder))

    def _start_node(self, role: Role, number: int, incarnation: int) -> Running:
        address, log = self._addresses[number], self._node_log(number)
        return self._crew.start(role, number, incarnation, address, log)

    def _node_log(self, number: int) -> Path:
        return self._folder / f"node-{number}.log"

    def _end(self) -> None:
        """Nobody of the run is left, nor a zombie of theirs in the table of processes."""
        try:
            self._crew.end()
        finally:
            sweep(self._mark)
            if self._own_server:
                self.server.reap()

    def _read(self) -> None:
        """Take in what the nodes have written to the ledger since the last look."""
        for row in self._reader.new_rows():
            self._rows.take(row)
            self._moments.saw(row)
            self._fleet.saw(row)
            if self._rows.deadly(row):
                self._clients.kill(row.node)

    # -- faults -------------------------------------------------------------------------

    def _conduct_due(self) -> None:
        """Carry out what is on the agenda of faults that have a time of their own."""
        while due := self._agenda.take(self._elapsed(), self.holdings):
            if due.what == "begins":
                self._conductor.begin(due.number, due.fault)
            else:
                self._conductor.heal(due.number, due.fault)

    def world(self, number: int, fault: TimedFault) -> ProcessWorld:
        return ProcessWorld(self, number, fault)

    def holdings(self) -> list[Holding]:
        self._read()
        self._struck_at = self._pace.now_s()
        return [holding for slot in self._fleet.slots for holding in self._holding(slot)]

    def _holding(self, slot: Slot) -> list[Holding]:
        """The worker with each job that it holds and how far that has come; idle: one, without."""
        node, incarnation = slot.number, slot.incarnation
        held = [*slot.jobs, *slot.received]
        if not held:
            return [Holding(node, incarnation, -1, Phase.IDLE, False)]
        return [
            Holding(node, incarnation, job, phase_of(self._rows, node, job), True) for job in held
        ]

    def strike(self, number: int, holding: Holding, length_s: float = 0.0) -> None:
        self._ledger.write(
            Event.FAULT_STRUCK,
            t=self._struck_at,
            node=holding.node,
            incarnation=holding.incarnation,
            phase=holding.phase,
            job=holding.job,
            fault=number,
            value=length_s,
        )

    def strike_waiting(self, number: int, length_s: float) -> None:
        at_s, phase = self._struck_at, Phase.BEFORE_LEASE
        self._ledger.write(Event.FAULT_STRUCK, t=at_s, phase=phase, fault=number, value=length_s)

    def kill(self, number: int, worker: int, back_s: float | None) -> None:
        """That fault kills this worker's whole process tree, if there is one."""
        if worker >= len(self._fleet.slots):
            return
        slot = self._fleet.slots[worker]
        self._fleet.freeze(worker)
        with self._hands.settled(worker):
            self._struck_at = self._pace.now_s()
            struck = self._fleet.kill(worker, back_s, exactly=True)
        # What it had in hand is known for sure only now that it is dead.
        self._strike_worker(number, self._holding(slot) if struck else [], worker)

    def stop(self, number: int, worker: int, within_s: float) -> None:
        """That fault tells this worker to stop, and kills it if it is not gone in time."""
        if worker >= len(self._fleet.slots):
            return
        self._read()
        self._struck_at = self._pace.now_s()
        holding = self._holding(self._fleet.slots[worker])
        struck = self._fleet.terminate(worker, within_s)
        self._strike_worker(number, holding if struck else [], worker)

    def deploy(self, number: int, worker: int, within_s: float) -> bool:
        """That fault tells this worker to stop; its successors do not know the plan's task."""
        there = worker < len(self._fleet.slots) and self._crew.renames(number, worker)
        return there and self._fleet.terminate(worker, within_s)

    def _strike_worker(self, number: int, holdings: list[Holding], worker: int) -> None:
        for holding in holdings or [Holding(worker, 0, -1, Phase.IDLE, False)]:
            self.strike(number, holding)

    def skew(self, node: int, by_s: float) -> bool:
        """That node's wall clock jumps, if it has one of its own."""
        self._ahead_s[node] += by_s
        return self._pace.skew(node, self._ahead_s[node])

    # -- the end ------------------------------------------------------------------------

    def clients_at_work(self) -> bool:
        for number, status in self._clients.statuses():
            self._crew.see(status, self._node_log(number))
        return self._clients.at_work

    def workers_at_work(self) -> bool:
        return self._fleet.busy

    def ask(self, command: Command) -> Reply | None:
        reply = self._control.attempt(command)
        if isinstance(reply, Measured) and self._fleet.about_to_begin:
            return replace(reply, due_s=None)  # it need not wait to be given back
        return reply

    def _until_quiet(self) -> None:
        """Supervise until everything is settled and healed, or until the deadline."""
        next_poll, quiet_since = 0.0, cast("tuple[float, int] | None", None)
        while True:
            self._look()
            self._conduct_due()
            if self.network:
                self.network.check()
            if words := self.server.ended():
                self._ledger.write(Event.ERRED, key=self._ledger.say(words))
                self._ledger.write(Event.DEADLINE)
                return
            if (now := self._elapsed()) >= next_poll:
                next_poll = now + self._pause_s(now)
                self._crew.poll()
                if self._progress:
                    self._progress(self._fleet.counts + Counter({"strikes": self._rows.strikes}))
                self._conductor.moved(self._rows.moved_at - self._started_at)
                if self._conductor.late(now):
                    for job in self._conductor.contradicted:
                        self._ledger.write(Event.CONTRADICTED, job=job)
                    self._ledger.write(Event.DEADLINE)
                    return
                healed_s = max(self.plan.healed_at_s, self._rows.struck_until - self._started_at)
                if now < healed_s or self._agenda or not self._conductor.quiet(now):
                    quiet_since = None
                elif quiet_since is None or quiet_since[1] != len(self._rows):
                    quiet_since = now, len(self._rows)
                if quiet_since and now >= quiet_since[0] + self._crew.settles_s:
                    self._quiet = True
                    self._ledger.write(Event.QUIET, t=self._started_at + quiet_since[0])
                    return
            due_s = self._started_at + min(self._agenda.at_s, next_poll)
            self._pace.nap(min(due_s, self._fleet.due_s))

    def _pause_s(self, now_s: float) -> float:
        """How long to the next question to the queue: the longer nothing moved, the longer."""
        moved_s = self._rows[-1].t - self._started_at if self._rows else 0.0
        return min(LONGEST_PAUSE_S, max(QUIET_POLL_S, POLL_AGAIN * (now_s - moved_s)))

    def _elapsed(self) -> float:
        return self._pace.now_s() - self._started_at


def shake(
    plan: Plan,
    adapter: RemoteQueue,
    progress: Progress | None = None,
    toxiproxy: str = EMBEDDED,
    server: Server | None = None,
    crew: Crew | None = None,
    time: Time | None = None,
    pace: Pace | None = None,
    record: Record | None = None,
) -> Execution:
    """Run the plan with real processes, on that server, with that crew, at that pace if given.

    ``record`` takes down each round trip. Without a pace, ``time`` says what kind of time it is:
    leaping by default, where it can.
    """
    with guarded(adapter) as workspace, ExitStack() as opened:
        if pace is None:
            why = why_real(adapter, toxiproxy)
            pace = opened.enter_context(pace_of(time, workspace.mark, why))
        run = ProcessRun(plan, adapter, workspace, progress, toxiproxy, server, crew, pace, record)
        history = run.run()
        told = run.network_name, run.where, pace.told, run.logged, crew.judgements if crew else ()
        return Execution(history, (workspace.folder / LEDGER).read_bytes(), *told)
