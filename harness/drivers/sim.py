"""The ``sim`` driver: simpy, virtual time, one thread, bit-exact from the plan.

The worker, the producer and the queue do not know that they are simulated: this file
carries out their wants in virtual time and plays the network between them. All
randomness comes from one generator seeded by the plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from ...backends.adapter import Adapter, Queue
from ...protocol.commands import Measure, Measured
from ...protocol.producer import Gone, WaitUntil
from ...protocol.repeat import Attempt, Sleep
from ...protocol.worker import ApplyEffect, At, Finished, Stopping, Work, WorkerOptions
from ..faults import LinkFault
from ..faults.broker_crash import BrokerCrash
from ..faults.fields import SERVER
from ..faults.kill_at import KillAt
from ..faults.kill_worker import KillWorker
from ..faults.skew_clock import SkewClock
from ..faults.terminate import Terminate
from ..plan.plan import Plan
from ..record.history import Event, History, Phase, Row
from ..record.node_record import NodeRecord
from ..strikes import PHASE_AT, PointStrikes, phase_of
from .clock import Clock, Process, Steps
from .observe import QUIET_POLL_S, observations, pending
from .simnet import SimulatedNetwork
from .skew import WallClocks

SIGKILL, TIMED_OUT = -9.0, 1.0
LOOKS = 0.02  # the longest pause between two looks, as a share of the time that was waited
Lend = Callable[[Clock, WallClocks], Queue]


class _Died(Exception):
    """This worker's process is gone; ``status`` as a parent would see it.

    Its successor starts ``back_s`` seconds later; None: as soon as the plan says.
    """

    def __init__(self, status: float, back_s: float | None = None) -> None:
        self.status = status
        self.back_s = back_s


class _Node:
    """One simulated process: its identity in the ledger and its record.

    ``wake`` ends its wait for an answer that the queue did not have at once.
    """

    def __init__(
        self,
        simulation: Simulation,
        number: int,
        incarnation: int = 0,
        process: Process | None = None,
    ) -> None:
        self.number = number
        rows, clock = simulation.rows, simulation.clock

        def write(
            event: int,
            *,
            since: float = -1.0,
            answer: int = 0,
            phase: int = 0,
            job: int = -1,
            token: int = 0,
            fault: int = -1,
            key: int = 0,
            value: float = 0.0,
        ) -> None:
            rows.append(
                (
                    clock.now, since, event, answer, phase, number, incarnation,
                    job, token, fault, key, value,
                )
            )  # fmt: skip

        self.write = write
        self.record = NodeRecord(simulation.plan, write, lambda: clock.now, lambda: clock.now)
        self.stopping = self.gone = False
        if process:
            self.wake = process.wake

    def struck(self, fault: int, phase: Phase, job: int, length_s: float = 0.0) -> None:
        """A fault of the plan has struck this node, or its call."""
        token = self.record.delivery.token if self.record.delivery else 0
        self.write(
            Event.FAULT_STRUCK, phase=phase, job=job, token=token, fault=fault, value=length_s
        )


class Simulation:
    """One plan on one backend. ``run`` once; then ``rows`` is the history.

    ``lend(clock, walls)`` gives the queue if it shall not be a new one.
    """

    def __init__(self, plan: Plan, adapter: Adapter, lend: Lend | None = None) -> None:
        clock = Clock()
        self.plan = plan
        self.clock = clock
        self.rows: list[Row] = []
        self._adapter = adapter
        walls = WallClocks(clock, plan)
        self._queue = (
            lend(clock, walls)
            if lend
            else adapter.local(walls.of_queue(), Random(f"queue {plan.seed}"))
        )
        self.network = SimulatedNetwork(clock, walls, self._queue, plan)
        self._points = PointStrikes(plan, _passings())
        self._workers: list[Process] = []
        self._clients: list[Process] = []
        self._nodes: dict[int, _Node] = {}
        self._at_work = plan.clients

    def run(self) -> History:
        """Execute the plan to quiet or to its deadline; the history."""
        clock, plan = self.clock, self.plan
        for number, pool in enumerate(plan.workers):
            self._workers.append(Process(clock, self._worker(number, pool.queues)))
        for number in range(plan.clients):
            self._clients.append(Process(clock, self._client(number)))
        for index, fault in enumerate(plan.faults):
            if isinstance(fault, KillWorker) and fault.worker < len(self._workers):
                Process(clock, self._kill(index, fault))
            elif isinstance(fault, Terminate):
                for worker in fault.workers:
                    if worker < len(self._workers):
                        Process(clock, self._terminate(index, fault, worker))
            elif isinstance(fault, SkewClock) and fault.node < len(self._workers):
                Process(clock, self._skew(index, fault))
        for index, window in plan.links():
            Process(clock, self._open(index, window))
        self._end = Process(clock, self._until_quiet())
        clock.run_until_stopped()
        driver = _Node(self, -1)
        for seen in observations(plan, self._queue.call):
            driver.write(seen.event, job=seen.job, answer=seen.answer, value=seen.value)
        # Nodes that still wait would keep each other and the whole run in memory.
        for process in (*self._workers, *self._clients):
            process.end()
        return History(self.rows)

    # -- nodes --------------------------------------------------------------------------

    def _client(self, number: int) -> Steps:
        """A producer, or the operator."""
        clock = self.clock
        node = _Node(self, len(self._workers) + number, 1, self._clients[number])
        wants = self.plan.client(number)
        answer: Any = None
        while True:
            try:
                want = wants.send(answer)
            except StopIteration:
                break
            answer = None
            if isinstance(want, WaitUntil):
                if want.at_s > clock.now:
                    yield want.at_s - clock.now
            elif isinstance(want, Attempt):
                node.record.sending(want.command)
                answer = yield from self.network.attempt(want.command, node)
                node.record.answered(answer)
            elif isinstance(want, Sleep):
                yield want.seconds
            else:
                assert isinstance(want, Gone)
        self._at_work -= 1
        if not self._at_work and clock.now < self.plan.deadline_s:
            self._end.hurry()

    def _worker(self, number: int, queues: tuple[str, ...]) -> Steps:
        """The supervisor of one worker: start it, and start it again when it dies."""
        incarnation = 0
        while True:
            incarnation += 1
            node = _Node(self, number, incarnation, self._workers[number])
            self._nodes[number] = node
            node.write(Event.WORKER_STARTED)
            status, back_s = 0.0, None
            try:
                yield from self._live(node, queues)
            except _Died as death:
                status, back_s = death.status, death.back_s
            node.record.delivery = None
            node.gone = True
            node.write(Event.WORKER_EXITED, value=status)
            yield self.plan.restart_s if back_s is None else back_s

    def _live(self, node: _Node, queues: tuple[str, ...]) -> Steps:
        plan, record = self.plan, node.record
        attempt, struck_jobs = self.network.attempt, self._points.jobs
        options = WorkerOptions(plan.lease_s, plan.wait_s, plan.grace_s)
        wants = self._adapter.worker(f"w{node.number + 1}", queues, options)
        send, answer = wants.send, None
        while True:
            try:
                want = send(answer)
            except StopIteration:
                return
            answer = None
            kind = type(want)
            if kind is Attempt:
                record.sending(want.command)
                answer = yield from attempt(want.command, node)
                record.answered(answer)
            elif kind is At:
                if want.delivery.job.id in struck_jobs:
                    yield from self._strike(node, want)
            elif kind is Work:
                work_s, timeout_s = record.begin_work(want)
                if timeout_s <= work_s:
                    yield max(0.0, timeout_s)
                    raise _Died(TIMED_OUT)
                if work_s > 0:
                    yield work_s
                answer = record.end_work(want, work_s, node.stopping)
            elif kind is ApplyEffect:
                record.effect(want)
            elif kind is Finished:
                record.finished(want)
            elif kind is Stopping:
                answer = node.stopping
            else:
                assert kind is Sleep
                yield want.seconds

    # -- faults -------------------------------------------------------------------------

    def _strike(self, node: _Node, want: At) -> Steps:
        job, phase = self.plan.job_index(want.delivery.job.id), PHASE_AT[want.point]
        for number, fault in self._points.at(job, want.point):
            if isinstance(fault, KillAt):
                node.struck(number, phase, job)
                raise _Died(SIGKILL)
            node.struck(number, phase, job, fault.lasts_s)
            yield fault.lasts_s
            node.write(Event.RESUMED, job=job, fault=number)

    def _kill(self, number: int, fault: KillWorker) -> Steps:
        yield fault.at_s
        node = self._nodes[fault.worker]
        self._strike_holder(node, number)
        if not node.gone:
            self._workers[fault.worker].interrupt(_Died(SIGKILL, fault.for_s))

    def _terminate(self, number: int, fault: Terminate, worker: int) -> Steps:
        """SIGTERM, and SIGKILL if the worker is not gone in time."""
        yield fault.at_s
        node = self._nodes[worker]
        self._strike_holder(node, number)
        node.stopping = True
        yield fault.within_s
        if not node.gone:
            self._workers[worker].interrupt(_Died(SIGKILL))

    def _open(self, number: int, fault: LinkFault) -> Steps:
        """A fault with a beginning begins: who holds a job is struck, wherever it stands."""
        yield fault.at_s
        for node in self._nodes.values():
            if node.record.delivery and fault.strikes_holder(node.number):
                self._strike_holder(node, number, fault.for_s)
        if fault.strikes_waiting:
            # Whoever waits to be leased is struck, too, if anybody does.
            _Node(self, -1).struck(number, Phase.BEFORE_LEASE, -1, fault.for_s)
        if isinstance(fault, BrokerCrash):
            self.network.crash()

    def _skew(self, number: int, fault: SkewClock) -> Steps:
        """A clock is put wrong: who holds a job by it is struck, everybody if it is the server's.

        That it jumps is what :class:`WallClocks` does.
        """
        yield fault.at_s
        if fault.node == SERVER:
            for node in self._nodes.values():
                if node.record.delivery:
                    self._strike_holder(node, number, fault.for_s)
            _Node(self, SERVER).struck(number, Phase.BEFORE_LEASE, -1, fault.for_s)
        else:
            self._strike_holder(self._nodes[fault.node], number, fault.for_s)
        self.network.look_again()
        yield fault.for_s
        self.network.look_again()

    def _strike_holder(self, node: _Node, number: int, length_s: float = 0.0) -> None:
        """That fault has struck the node, and the job that it holds, if any, where it stands."""
        delivery = node.record.delivery
        job = self.plan.job_index(delivery.job.id) if delivery else -1
        node.struck(number, phase_of(self.rows, node.number, job), job, length_s)

    # -- the end ------------------------------------------------------------------------

    def _until_quiet(self) -> Steps:
        """End the run when everything is settled and healed, or at the deadline."""
        clock, plan = self.clock, self.plan
        driver = _Node(self, -1)
        if self._at_work:
            yield plan.deadline_s  # or less: the last client that is done ends it
        yield 0.0  # what else happens at this moment comes first
        yield max(QUIET_POLL_S, min(plan.healed_at_s, plan.deadline_s) - clock.now)
        began_s = clock.now
        while True:
            if clock.now >= plan.deadline_s:
                driver.write(Event.DEADLINE)
                break
            # Who has waited long need not look so often: a stuck run would do nothing else.
            yield max(QUIET_POLL_S, LOOKS * (clock.now - began_s))
            if self._at_work:
                continue
            if any(node.record.delivery for node in self._nodes.values()):
                continue
            measured = self._queue.call(Measure())
            if isinstance(measured, Measured) and not pending(measured):
                driver.write(Event.QUIET)
                break
        self.clock.stop()


def _passings() -> Callable[[int, int], int]:
    """Counts how often the job of each fault has come to the fault's point."""
    seen: Counter[int] = Counter()

    def passing(fault: int, most: int) -> int:
        seen[fault] += 1
        return seen[fault] if seen[fault] <= most else 0

    return passing


def simulate(plan: Plan, adapter: Adapter) -> History:
    """Run the plan in virtual time. The same plan gives a byte-identical history."""
    return Simulation(plan, adapter).run()
