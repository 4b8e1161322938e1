"""The workers of a run as real processes: started, restarted, paused, killed, told to stop.

Each has a slot, which a successor fills when it dies. What the workers are doing is known
from the rows that they write to the ledger (:meth:`Fleet.saw`), and from nothing else.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from math import inf
from pathlib import Path

import psutil

from ...errors import BackendFailed, EnvironmentFault, JobquakeError
from ...protocol.events import Event, Phase, Row
from ...protocol.ledger import Ledger
from ..faults import PointFault, TripFault
from ..plan.plan import Plan
from .node import BACKEND_FAILED
from .pace import Pace
from .server import READY_WITHIN_S, tail
from .tree import Running, belongs, kill_group, kill_tree

LEAVE_WITHIN_S = 3.0
LOOK_EVERY_S = 0.1
FAILED_STARTS = 5
LONGEST_BACK_S = 30.0  # a supervisor starts again, ever later, who cannot start any more

Start = Callable[[int, int], Running]


def see_backend(status: int | None, log: Path) -> None:
    """Raise :class:`BackendFailed` if a node ended because its backend raised."""
    if status == BACKEND_FAILED:
        raise BackendFailed(tail(log))


class Slot:
    """A place in the fleet: the process that fills it now, and how often it was filled.

    ``jobs`` are those that it holds, the oldest first; a framework's worker may hold several, each
    ``in_process`` of its own, and have ``received`` others that it has not begun.
    ``back_s`` is how long it stays empty after a death, if that is not as the plan says.
    ``worked``: somebody has worked there, so that its command is one that can be started.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.incarnation = 0
        self.process: Running | None = None
        self.restart_at = 0.0
        self.back_s: float | None = None
        self.jobs: list[int] = []
        self.in_process: dict[int, int] = {}
        self.received: list[int] = []
        self.hooked = False
        self.started = False
        self.began_at = 0.0
        self.failed_starts = 0
        self.worked = False

    @property
    def living(self) -> Running | None:
        return self.process if self.process and self.process.poll() is None else None


class Fleet:
    """The workers of ``plan``. ``start(number, incarnation)`` starts the process of one.

    ``look()`` takes in what the ledger has new, and hands each row to :meth:`saw`;
    ``log(number)`` is where that worker's last words are. ``absent`` says what is wrong with a
    worker that has not said within ``ready_within_s`` seconds that it works. ``settled(number)``:
    that worker takes no job meanwhile.
    """

    def __init__(
        self,
        plan: Plan,
        start: Start,
        ledger: Ledger,
        look: Callable[[], None],
        log: Callable[[int], Path],
        pace: Pace,
        absent: Callable[[Slot, Path], JobquakeError],
        ready_within_s: float = READY_WITHIN_S,
        settled: Callable[[int], AbstractContextManager[None]] = lambda number: nullcontext(),
    ) -> None:
        self.slots = [Slot(number) for number in range(len(plan.workers))]
        self.counts: Counter[str] = Counter()
        self._plan = plan
        self._start_process = start
        self._ledger = ledger
        self._look = look
        self._log = log
        self._pace = pace
        self._resume: list[tuple[float, int]] = []
        self._kill_at: list[tuple[float, int, int]] = []
        self._whole: list[tuple[int, int, int, int]] = []
        self._stopping = False
        self._absent = absent
        self._ready_within_s = ready_within_s
        self._settled = settled

    def saw(self, row: Row) -> None:
        """A row of the ledger: what one of the workers does now."""
        event, node = row.event, row.node
        if not 0 <= node < len(self.slots):
            return
        slot = self.slots[node]
        if event == Event.WORKER_STARTED:
            slot.started = slot.worked = True
        elif event == Event.HOOKED:
            slot.hooked = True
        elif event == Event.LEASED:
            slot.jobs.append(row.job)
        elif event == Event.RECEIVED:
            slot.received.append(row.job)
        elif event == Event.IN_PROCESS:
            slot.in_process[row.job] = int(row.value)
            if row.job in slot.received:
                slot.received.remove(row.job)
        elif event == Event.STARTED and row.job not in slot.jobs:
            slot.jobs.append(row.job)  # of a worker whose leases are not to be seen
        elif event in (Event.FINISHED, Event.LEASE_LOST, Event.PROCESS_DIED):
            if row.job in slot.jobs:
                slot.jobs.remove(row.job)
            slot.in_process.pop(row.job, None)
            self.counts["deliveries"] += 1
        elif event == Event.EFFECT:
            self.counts["effects"] += 1
        elif event == Event.FAULT_STRUCK:
            fault = self._plan.faults[row.fault]
            if isinstance(fault, PointFault) and fault.job == row.job and slot.process:
                self._struck(slot, row, fault)
            elif fault.on_network and fault.ends_worker:
                self._whole.append((slot.number, slot.incarnation, row.fault, row.job))

    def _struck(self, slot: Slot, row: Row, fault: PointFault) -> None:
        """A fault has struck at a point: whoever stands still there is woken, or killed whole."""
        if not fault.ends_worker:
            pid = row.key or (slot.process.pid if slot.process else 0)
            self._resume.append((row.t + fault.lasts_s, pid))
        elif not fault.ends_process_only and row.incarnation == slot.incarnation:
            self._whole.append((slot.number, slot.incarnation, row.fault, row.job))

    @property
    def due_s(self) -> float:
        """When there is next something to supervise, by the clock of the run."""
        restarts = [slot.restart_at for slot in self.slots if slot.process is None]
        resumes = [at_s for at_s, _ in self._resume]
        kills = [at_s for at_s, _, _ in self._kill_at]
        return min([*restarts, *resumes, *kills], default=inf)

    @property
    def busy(self) -> bool:
        """Whether a worker holds a job, or is paused or about to leave."""
        return bool(self._resume or self._kill_at or self._whole) or any(
            slot.jobs for slot in self.slots
        )

    @property
    def about_to_begin(self) -> bool:
        """Whether a living worker has received a job that it has not begun, or one is starting."""
        return any(slot.received or not slot.started for slot in self.slots)

    @property
    def lives(self) -> set[tuple[int, int]]:
        """Of each living worker its number and its incarnation."""
        return {(slot.number, slot.incarnation) for slot in self.slots if slot.living}

    def holders(self) -> Iterator[Slot]:
        return (slot for slot in self.slots if slot.jobs)

    # -- from the first to the last -----------------------------------------------------

    def start(self) -> None:
        """Start all workers and wait until each has said in the ledger that it works."""
        for slot in self.slots:
            self._start(slot)
        until_s = time.monotonic() + self._ready_within_s  # whatever the run's clock
        while not all(slot.started for slot in self.slots):
            self._look()
            self.supervise()
            if time.monotonic() > until_s:
                raise self._not_all_there()
            self._pace.nap(self._pace.now_s() + LOOK_EVERY_S)

    def _not_all_there(self) -> JobquakeError:
        missing = next(slot for slot in self.slots if not slot.started)
        return self._absent(missing, self._log(missing.number))

    def supervise(self) -> None:
        """Start again who died, wake who has been paused for long enough, end who must go."""
        now = self._pace.now_s()
        for slot in self.slots:
            if slot.process and not slot.living:
                self._note_exit(slot)
                slot.restart_at, slot.back_s = now + self._back_s(slot), None
            if slot.process is None and now >= slot.restart_at and not self._stopping:
                self._start(slot)
            self._see_that_it_speaks(slot)
            self._note_dead_processes(slot)
        self._kill_whole()
        self._resume_due()
        for due in [due for due in self._kill_at if due[0] <= now]:
            self._kill_at.remove(due)
            _, number, incarnation = due
            if self.slots[number].incarnation == incarnation:
                self.kill(number)
        # Who has left in time need not be waited for.
        self._kill_at = [d for d in self._kill_at if self.slots[d[1]].incarnation == d[2]]

    def _back_s(self, slot: Slot) -> float:
        """How long the slot stays empty."""
        back_s = self._plan.restart_s if slot.back_s is None else slot.back_s
        if not slot.failed_starts:
            return back_s
        return max(back_s, min(LONGEST_BACK_S, self._plan.restart_s * 2.0**slot.failed_starts))

    def stop(self) -> None:
        """SIGTERM, so that workers finish what they run; SIGKILL for those that do not leave."""
        self._stopping = True
        self._resume_due(all_of_them=True)
        living = [slot.process for slot in self.slots if slot.process]
        for process in living:
            process.terminate()
        until_s = self._pace.now_s() + LEAVE_WITHIN_S
        while any(p.poll() is None for p in living) and self._pace.now_s() < until_s:
            self._pace.nap(until_s)
        for process in living:
            kill_group(process)
        for slot in self.slots:
            self._note_exit(slot)

    # -- faults -------------------------------------------------------------------------

    def kill(self, number: int, back_s: float | None = None, exactly: bool = False) -> bool:
        """SIGKILL the whole process tree and see it dead; False if there is nobody.

        Its successor starts ``back_s`` seconds later; None: as soon as the plan says. Unless it is
        to be killed ``exactly`` now, it notes before what it is just taking.
        """
        process = self.slots[number].living
        if process is None:
            return False
        self.slots[number].back_s = back_s
        with nullcontext() if exactly else self._settled(number):
            kill_tree(process.pid)
            process.wait()
        self._look()
        return True

    def freeze(self, number: int) -> None:
        """Stop the processes of that worker that run jobs, but for the worker's own.

        So the jobs stay in hand until it is killed.
        """
        slot = self.slots[number]
        for pid in set(slot.in_process.values()):
            if slot.living and pid != slot.living.pid and belongs(pid, slot.living.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)

    def terminate(self, number: int, within_s: float) -> bool:
        """SIGTERM, and SIGKILL if it is not gone ``within_s`` seconds later."""
        slot = self.slots[number]
        process = slot.living
        if process is None:
            return False
        process.terminate()
        self._kill_at.append((self._pace.now_s() + within_s, number, slot.incarnation))
        return True

    # -- one worker ---------------------------------------------------------------------

    def _start(self, slot: Slot) -> None:
        slot.incarnation += 1
        slot.started = slot.hooked = False
        slot.began_at = self._pace.now_s()
        slot.process = self._start_process(slot.number, slot.incarnation)

    def _see_that_it_speaks(self, slot: Slot) -> None:
        """A worker that runs and says nothing would work unseen. Raises :class:`JobquakeError`."""
        silent = slot.process and not (slot.started or slot.hooked)
        if silent and self._pace.now_s() > slot.began_at + self._ready_within_s:
            self._look()
            if slot.living and not (slot.started or slot.hooked):
                raise self._absent(slot, self._log(slot.number))

    def _note_exit(self, slot: Slot) -> None:
        process = slot.process
        status = process.poll() if process else None
        if process is None or status is None:
            return
        kill_group(process)
        self._look()
        self._ledger.write(
            Event.WORKER_EXITED,
            node=slot.number,
            incarnation=slot.incarnation,
            value=float(status),
        )
        self.counts["worker deaths"] += status != 0
        see_backend(status, self._log(slot.number))
        slot.failed_starts = 0 if slot.started else slot.failed_starts + 1
        if slot.failed_starts >= FAILED_STARTS and not slot.worked:
            raise EnvironmentFault(
                f"expected worker {slot.number + 1} to start, found that it ended "
                f"{FAILED_STARTS} times before it worked, and said last: "
                f"{tail(self._log(slot.number)) or 'nothing'}"
            )
        slot.process = None
        slot.jobs.clear()
        slot.in_process.clear()
        slot.received.clear()

    def _kill_whole(self) -> None:
        """Kill the workers that a fault struck at a point, with all that they hold."""
        while self._whole:
            number, incarnation, fault, job = self._whole.pop()
            slot = self.slots[number]
            exactly = isinstance(self._plan.faults[fault], TripFault)
            if slot.incarnation != incarnation or not self.kill(number, exactly=exactly):
                continue
            others = [(other, Phase.RUNNING) for other in slot.jobs if other != job]
            others += [(other, Phase.LEASED) for other in slot.received if other != job]
            for other, phase in others:
                self._ledger.write(
                    Event.FAULT_STRUCK,
                    node=number,
                    incarnation=incarnation,
                    phase=phase,
                    job=other,
                    fault=fault,
                )

    def _note_dead_processes(self, slot: Slot) -> None:
        """Write down which of a living worker's processes died with a job in hand."""
        if not slot.living:
            return
        dead = {job: pid for job, pid in slot.in_process.items() if not _lives(pid)}
        if not dead:
            return
        self._look()  # one that has finished its job may end
        for job, pid in dead.items():
            if slot.in_process.get(job) == pid:
                self._ledger.write(
                    Event.PROCESS_DIED,
                    node=slot.number,
                    incarnation=slot.incarnation,
                    job=job,
                    value=float(pid),
                )
        self._look()

    def _resume_due(self, all_of_them: bool = False) -> None:
        """SIGCONT to the paused workers whose time has come."""
        now = self._pace.now_s()
        due = [pause for pause in self._resume if all_of_them or pause[0] <= now]
        self._resume = [pause for pause in self._resume if pause not in due]
        for _, pid in due:
            for slot in self.slots:
                # Only a process that is still ours: its pid cannot have been given away.
                if slot.living and belongs(pid, slot.living.pid):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGCONT)


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
