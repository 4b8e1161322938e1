"""The ``process`` driver: real processes, real signals, a real network.

It starts the queue's server, the network proxy, and a process for each worker and
producer; it restarts workers that die, carries out the faults that have a time of their
own, and ends the run when everything is settled or at the deadline. It reads what
happened from the ledger alone. Whatever happens to it, the guard leaves no orphan.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from ...backends.adapter import Adapter, Connection
from ...backends.commands import Measure, Measured
from ..events import Event, Phase
from ..history import History
from ..ledger import Ledger, LedgerReader
from ..plan import BrokerCrash, KillWorker, PauseAt, Plan, Window, encode
from ..strikes import phase_of, reaches
from . import EnvironmentFault
from .guard import MARK, Lair, guarded, sweep
from .netproxy import NetProxy
from .node import LEDGER, REPLAY, STRIKES
from .observe import observations, pending
from .server import READY_WITHIN_S, Server, tail
from .tree import kill_group, kill_tree

TICK_S = 0.005
QUIET_POLL_S = 0.05
LEAVE_WITHIN_S = 3.0
CONTROL_TIMEOUT_S = 5.0
FAILED_STARTS = 5

Progress = Callable[[Counter[str]], None]


class _WorkerSlot:
    """A place in the fleet: the process that fills it now, and how often it was filled."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.incarnation = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.restart_at = 0.0
        self.job = -1
        self.started = False
        self.failed_starts = 0


class ProcessRun:
    """One plan on one backend with real processes. ``run`` once, in the main thread."""

    def __init__(
        self, plan: Plan, adapter: Adapter, lair: Lair, progress: Progress | None = None
    ) -> None:
        self.plan = plan
        self._adapter = adapter
        self._mark, self._folder = lair
        self._progress = progress
        self._slots = [_WorkerSlot(number) for number in range(len(plan.workers))]
        self._producers: list[subprocess.Popen[bytes]] = []
        self._rows: list[list[float]] = []
        self._counts: Counter[str] = Counter()
        self._resume: list[tuple[float, int]] = []
        self._timed = _agenda(plan)
        self._started_at = 0.0
        self._nodes = len(self._slots) + plan.producers
        self._addresses = [str(self._folder)] * self._nodes
        self._server = Server(adapter, self._folder, self._spawn)
        self._stopping = False

    def run(self) -> History:
        """Execute the plan; the history. Raises :class:`EnvironmentFault` if it cannot."""
        (self._folder / STRIKES).mkdir()
        replay = encode(self.plan, self._adapter.name, "process")
        (self._folder / REPLAY).write_text(replay)
        self._ledger = Ledger(self._folder / LEDGER)
        self._reader = LedgerReader(self._folder / LEDGER)
        proxy: NetProxy | None = None
        try:
            server = self._server.start()
            control = self._adapter.connect(server or str(self._folder), CONTROL_TIMEOUT_S)
            framing = self._adapter.framing
            if server and framing:
                proxy = NetProxy(server, framing, self.plan, self._ledger)
                self._addresses = proxy.start(self._nodes)
            elif server:
                self._addresses = [server] * self._nodes
            self._start_fleet()
            self._started_at = time.monotonic()
            if proxy:
                proxy.started_at = self._started_at
            workers = len(self._slots)
            self._producers = [
                self._start_node("producer", workers + number, 1)
                for number in range(self.plan.producers)
            ]
            self._until_quiet(control)
            self._stop_fleet()
            for event, job, value in observations(self.plan, control.attempt):
                self._ledger.write(event, job=job, value=value)
            control.close()
        finally:
            self._stopping = True
            if proxy:
                proxy.stop()
            sweep(self._mark)
            self._reap()
            self._ledger.close()
        self._read()
        self._reader.finish()
        return self._history()

    # -- processes ----------------------------------------------------------------------

    def _spawn(self, command: list[str], **options: object) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            command,
            env=os.environ | {MARK: self._mark, "PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            cwd=self._folder,
            **options,
        )

    def _start_node(self, role: str, number: int, incarnation: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "jobquake.harness.drivers.node", role]
        command += [str(self._folder), str(number), str(incarnation)]
        command += [self._addresses[number], repr(self._started_at)]
        with self._node_log(number).open("ab") as log:
            return self._spawn(command, stdout=log, stderr=log)

    def _node_log(self, number: int) -> Path:
        return self._folder / f"node-{number}.log"

    def _start_worker(self, slot: _WorkerSlot) -> None:
        slot.incarnation += 1
        slot.started = False
        slot.process = self._start_node("worker", slot.number, slot.incarnation)

    def _start_fleet(self) -> None:
        """Start all workers and wait until each has said in the ledger that it works."""
        for slot in self._slots:
            self._start_worker(slot)
        until = time.monotonic() + READY_WITHIN_S
        while not all(slot.started for slot in self._slots):
            self._read()
            self._supervise()
            if time.monotonic() > until:
                raise EnvironmentFault(
                    f"expected {len(self._slots)} workers within {READY_WITHIN_S:g} s, found "
                    f"{sum(slot.started for slot in self._slots)}; is the machine overloaded?"
                )
            time.sleep(TICK_S)

    def _stop_fleet(self) -> None:
        """SIGTERM, so that workers finish what they run; SIGKILL for those that do not leave."""
        self._stopping = True
        self._resume_due(all_of_them=True)
        living = [slot.process for slot in self._slots if slot.process]
        for process in living:
            process.terminate()
        until = time.monotonic() + LEAVE_WITHIN_S
        for process in living:
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                kill_group(process)
        for slot in self._slots:
            self._note_exit(slot)

    def _reap(self) -> None:
        """Collect the exit status of every child, so that no zombie is left in the table."""
        for process in [slot.process for slot in self._slots] + list(self._producers):
            if process is not None:
                process.wait()
        self._server.reap()

    # -- supervision --------------------------------------------------------------------

    def _supervise(self) -> None:
        """Notice workers that died, and start them again."""
        now = time.monotonic()
        for slot in self._slots:
            if slot.process and slot.process.poll() is not None:
                self._note_exit(slot)
                slot.restart_at = now + self.plan.restart_s
            if slot.process is None and now >= slot.restart_at and not self._stopping:
                self._start_worker(slot)

    def _note_exit(self, slot: _WorkerSlot) -> None:
        process = slot.process
        if process is None or process.poll() is None:
            return
        kill_group(process)
        self._read()
        self._ledger.write(
            Event.WORKER_EXITED,
            node=slot.number,
            incarnation=slot.incarnation,
            value=float(process.returncode),
        )
        self._counts["worker deaths"] += process.returncode != 0
        slot.failed_starts = 0 if slot.started else slot.failed_starts + 1
        if slot.failed_starts >= FAILED_STARTS:
            raise EnvironmentFault(
                f"expected worker {slot.number + 1} to start, found that it ended "
                f"{FAILED_STARTS} times before it worked: {tail(self._node_log(slot.number))}"
            )
        slot.process, slot.job = None, -1

    def _read(self) -> None:
        """Take in what the nodes have written to the ledger since the last look."""
        for row in self._reader.new_rows():
            self._rows.append(row)
            event, node, job = int(row[2]), int(row[5]), int(row[7])
            if event == Event.WORKER_STARTED:
                self._slots[node].started = True
            elif event == Event.LEASED:
                self._slots[node].job = job
            elif event in (Event.FINISHED, Event.LEASE_LOST):
                self._slots[node].job = -1
                self._counts["deliveries"] += 1
            elif event == Event.EFFECT:
                self._counts["effects"] += 1
            elif event == Event.FAULT_STRUCK:
                self._counts["strikes"] += 1
                fault = self.plan.faults[int(row[9])]
                if isinstance(fault, PauseAt):
                    process = self._slots[node].process
                    if process:
                        self._resume.append((row[0] + fault.for_s, process.pid))

    def _resume_due(self, all_of_them: bool = False) -> None:
        """SIGCONT to the paused workers whose time has come."""
        now = time.monotonic()
        due = [pause for pause in self._resume if all_of_them or pause[0] <= now]
        self._resume = [pause for pause in self._resume if pause not in due]
        for _, pid in due:
            for slot in self._slots:
                # Only a process that is still ours: its pid cannot have been given away.
                if slot.process and slot.process.pid == pid and slot.process.poll() is None:
                    os.kill(pid, signal.SIGCONT)

    def _strike_due(self) -> None:
        """Carry out what is on the agenda of faults that have a time of their own."""
        while self._timed and time.monotonic() - self._started_at >= self._timed[0][0]:
            _, number, fault = self._timed.pop(0)
            if fault is None:
                self._server.start()
            elif isinstance(fault, KillWorker):
                self._kill_worker(number, fault)
            else:
                self._open(number, fault)

    def _kill_worker(self, number: int, fault: KillWorker) -> None:
        """Kill the whole process tree, see it dead, and write down whom it struck."""
        if fault.worker >= len(self._slots):
            return
        slot = self._slots[fault.worker]
        at = time.monotonic()
        if slot.process and slot.process.poll() is None:
            kill_tree(slot.process.pid)
            slot.process.wait()
            self._read()
            self._struck(number, slot, self._phase(slot), at)
        else:
            self._ledger.write(Event.FAULT_STRUCK, t=at, node=slot.number, fault=number)

    def _open(self, number: int, fault: Window) -> None:
        """A fault with a beginning begins: who holds a job is struck, wherever it stands."""
        self._read()
        at = time.monotonic()
        holding = [(slot, self._phase(slot)) for slot in self._slots if slot.job >= 0]
        if isinstance(fault, BrokerCrash):
            if not self._server.crash():
                return  # a file cannot crash; the run will say that nothing was struck
            # Whoever waits to be leased is struck, too, if anybody does.
            self._ledger.write(
                Event.FAULT_STRUCK, t=at, phase=Phase.BEFORE_LEASE, fault=number, value=fault.for_s
            )
        for slot, phase in holding:
            if reaches(fault, slot.number, fault.at_s):
                self._struck(number, slot, phase, at, fault.for_s)

    def _phase(self, slot: _WorkerSlot) -> Phase:
        return phase_of(self._rows, slot.number, slot.job)

    def _struck(
        self, number: int, slot: _WorkerSlot, phase: Phase, at: float, length_s: float = 0.0
    ) -> None:
        self._ledger.write(
            Event.FAULT_STRUCK,
            t=at,
            node=slot.number,
            incarnation=slot.incarnation,
            phase=phase,
            job=slot.job,
            fault=number,
            value=length_s,
        )

    def _until_quiet(self, control: Connection) -> None:
        """Supervise until everything is settled and healed, or until the deadline."""
        next_poll = 0.0
        while True:
            self._read()
            self._supervise()
            self._resume_due()
            self._strike_due()
            now = time.monotonic() - self._started_at
            if now >= next_poll:
                next_poll = now + QUIET_POLL_S
                if self._progress:
                    self._progress(self._counts)
                if now >= self.plan.deadline_s:
                    self._ledger.write(Event.DEADLINE)
                    return
                if self._quiet(control, now):
                    self._ledger.write(Event.QUIET)
                    return
            time.sleep(TICK_S)

    def _quiet(self, control: Connection, now: float) -> bool:
        if any(process.poll() is None for process in self._producers):
            return False
        if now < self.plan.healed_at_s or self._timed or self._resume:
            return False
        if any(slot.job >= 0 for slot in self._slots):
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


def _agenda(plan: Plan) -> list[tuple[float, int, KillWorker | Window | None]]:
    """What happens at which time of the run (None: the server comes back), by fault number."""
    agenda: list[tuple[float, int, KillWorker | Window | None]] = []
    for number, fault in enumerate(plan.faults):
        if isinstance(fault, KillWorker | Window):
            agenda.append((fault.at_s, number, fault))
        if isinstance(fault, BrokerCrash):
            agenda.append((fault.at_s + fault.for_s, number, None))
    return sorted(agenda, key=lambda due: due[:2])


def shake(plan: Plan, adapter: Adapter, progress: Progress | None = None) -> tuple[History, bytes]:
    """Run the plan with real processes; the history, and the ledger as it was written."""
    with guarded(adapter) as lair:
        history = ProcessRun(plan, adapter, lair, progress).run()
        return history, (lair.folder / LEDGER).read_bytes()
