"""The ``sim`` driver: simpy, virtual time, one thread, bit-exact from the plan.

The worker, the producer and the queue do not know that they are simulated: this file
carries out their wants on simpy's clock and plays the network between them. All
randomness comes from one generator seeded by the plan.
"""

from __future__ import annotations

from collections.abc import Generator
from random import Random
from typing import Any

import simpy

from ...backends.adapter import Adapter
from ...backends.commands import Command, Measure, Measured, Reply
from ...backends.producer import Gone, WaitUntil, producer
from ...backends.repeat import Attempt, Sleep
from ...backends.worker import (
    ApplyEffect,
    At,
    Finished,
    Point,
    Stopping,
    Work,
    WorkerOptions,
)
from ..history import Event, History, Phase, Row
from ..node_record import NodeRecord
from ..plan import BrokerCrash, KillAt, KillWorker, PauseAt, Plan, Window, job_index
from ..strikes import PHASE_AT, PointStrikes, phase_of, reaches
from .observe import observations, pending
from .simnet import SimulatedNetwork

QUIET_POLL_S = 0.05
SIGKILL, TIMED_OUT = -9.0, 1.0

Steps = Generator[simpy.Event, Any, Any]


class _Died(Exception):
    """This worker's process is gone; ``status`` as a parent would see it."""

    def __init__(self, status: float) -> None:
        self.status = status


class _Node:
    """One simulated process: its identity in the ledger and its record."""

    def __init__(self, simulation: Simulation, number: int, incarnation: int = 1) -> None:
        self.number = number
        self.incarnation = incarnation
        rows, env = simulation.rows, simulation.env

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
            who, what = (number, incarnation), (job, token, fault, key, value)
            rows.append((env.now, since, event, answer, phase, *who, *what))

        self.write = write
        self.record = NodeRecord(write, lambda: env.now)
        self._network = simulation.network

    def attempt(self, command: Command) -> Generator[simpy.Event, Any, Reply | None]:
        """One attempt of a call, with what it writes into the ledger."""
        self.record.sending(command)
        reply = yield from self._network.attempt(command, self.number, self.struck)
        self.record.answered(reply)
        return reply

    def struck(self, fault: int, phase: Phase, job: int, length_s: float = 0.0) -> None:
        """A fault of the plan has struck this node, or its call."""
        token = self.record.delivery.token if self.record.delivery else 0
        self.write(
            Event.FAULT_STRUCK, phase=phase, job=job, token=token, fault=fault, value=length_s
        )


class Simulation:
    """One plan on one backend. ``run`` once; then ``rows`` is the history."""

    def __init__(self, plan: Plan, adapter: Adapter) -> None:
        self.plan = plan
        self.env = simpy.Environment()
        self.rows: list[Row] = []
        self._adapter = adapter
        self._queue = adapter.local(lambda: self.env.now, Random(f"queue {plan.seed}"))
        self.network = SimulatedNetwork(self.env, self._queue, plan)
        self._strikes_used: dict[int, int] = {}
        self._points = PointStrikes(plan, self._claim)
        self._workers: list[simpy.Process] = []
        self._nodes: dict[int, _Node] = {}
        self._producing = plan.producers
        self._produced = self.env.event()
        self._over = self.env.event()

    def run(self) -> History:
        """Execute the plan to quiet or to its deadline; the history."""
        env, plan = self.env, self.plan
        for number, pool in enumerate(plan.workers):
            self._workers.append(env.process(self._worker(number, pool.queues)))
        for number in range(plan.producers):
            env.process(self._producer(number))
        for index, fault in enumerate(plan.faults):
            if isinstance(fault, KillWorker) and fault.worker < len(self._workers):
                env.process(self._kill(index, fault))
        for index, window in plan.windows():
            env.process(self._open(index, window))
        env.process(self._until_quiet())
        env.run(until=self._over)
        driver = _Node(self, -1, 0)
        for event, job, value in observations(plan, self._queue.call):
            driver.write(event, job=job, value=value)
        return History(self.rows)

    # -- nodes --------------------------------------------------------------------------

    def _producer(self, number: int) -> Steps:
        node = _Node(self, len(self._workers) + number)
        wants = producer(self.plan.schedule(number))
        answer: Any = None
        while True:
            try:
                want = wants.send(answer)
            except StopIteration:
                self._producing -= 1
                if not self._producing:
                    self._produced.succeed()
                return
            answer = None
            if isinstance(want, WaitUntil):
                if want.at_s > self.env.now:
                    yield self.env.timeout(want.at_s - self.env.now)
            elif isinstance(want, Attempt):
                answer = yield from node.attempt(want.command)
            elif isinstance(want, Sleep):
                yield self.env.timeout(want.seconds)
            else:
                assert isinstance(want, Gone)

    def _worker(self, number: int, queues: tuple[str, ...]) -> Steps:
        """The supervisor of one worker: start it, and start it again when it dies."""
        incarnation = 0
        while True:
            incarnation += 1
            node = self._nodes[number] = _Node(self, number, incarnation)
            node.write(Event.WORKER_STARTED)
            status = 0.0
            try:
                yield from self._live(node, queues)
            except _Died as death:
                status = death.status
            except simpy.Interrupt:
                status = SIGKILL
            node.record.delivery = None
            node.write(Event.WORKER_EXITED, value=status)
            try:
                yield self.env.timeout(self.plan.restart_s)
            except simpy.Interrupt:
                continue

    def _live(self, node: _Node, queues: tuple[str, ...]) -> Steps:
        plan, env, record = self.plan, self.env, node.record
        options = WorkerOptions(plan.lease_s, plan.wait_s, plan.grace_s)
        wants = self._adapter.worker(f"w{node.number + 1}", queues, options)
        answer: Any = None
        while True:
            try:
                want = wants.send(answer)
            except StopIteration:
                return
            answer = None
            kind = type(want)
            if kind is Attempt:
                answer = yield from node.attempt(want.command)
            elif kind is At:
                job = job_index(want.delivery.job.id)
                if faults := self._points.at(job, want.point):
                    yield from self._strike(node, want.point, job, faults)
            elif kind is Work:
                work_s, timeout_s = record.begin_work(plan, want)
                if timeout_s <= work_s:
                    yield env.timeout(max(0.0, timeout_s))
                    raise _Died(TIMED_OUT)
                if work_s > 0:
                    yield env.timeout(work_s)
                answer = record.end_work(plan, want, work_s, stopping=False)
            elif kind is ApplyEffect:
                record.effect(want)
            elif kind is Finished:
                record.finished(want)
            elif kind is Stopping:
                answer = False
            else:
                assert kind is Sleep
                yield env.timeout(want.seconds)

    # -- faults -------------------------------------------------------------------------

    def _claim(self, fault: int, times: int) -> bool:
        used = self._strikes_used.get(fault, 0)
        self._strikes_used[fault] = used + 1
        return used < times

    def _strike(
        self, node: _Node, point: Point, job: int, faults: list[tuple[int, KillAt | PauseAt]]
    ) -> Steps:
        for number, fault in faults:
            phase = PHASE_AT[point]
            if isinstance(fault, KillAt):
                node.struck(number, phase, job)
                raise _Died(SIGKILL)
            node.struck(number, phase, job, fault.for_s)
            yield self.env.timeout(fault.for_s)
            node.write(Event.RESUMED, job=job, fault=number)

    def _kill(self, number: int, fault: KillWorker) -> Steps:
        yield self.env.timeout(fault.at_s)
        node = self._nodes[fault.worker]
        delivery = node.record.delivery
        job = job_index(delivery.job.id) if delivery else -1
        node.struck(number, phase_of(self.rows, node.number, job), job)
        self._workers[fault.worker].interrupt()

    def _open(self, number: int, fault: Window) -> Steps:
        """A fault with a beginning begins: who holds a job is struck, wherever it stands."""
        yield self.env.timeout(fault.at_s)
        for node in self._nodes.values():
            delivery = node.record.delivery
            if delivery and reaches(fault, node.number, fault.at_s):
                job = job_index(delivery.job.id)
                node.struck(number, phase_of(self.rows, node.number, job), job, fault.for_s)
        if isinstance(fault, BrokerCrash):
            # Whoever waits to be leased is struck, too, if anybody does.
            _Node(self, -1, 0).struck(number, Phase.BEFORE_LEASE, -1, fault.for_s)
            self.network.crash()

    # -- the end ------------------------------------------------------------------------

    def _until_quiet(self) -> Steps:
        """End the run when everything is settled and healed, or at the deadline."""
        env, plan = self.env, self.plan
        driver = _Node(self, -1, 0)
        yield self._produced | env.timeout(plan.deadline_s)
        yield env.timeout(max(QUIET_POLL_S, min(plan.healed_at_s, plan.deadline_s) - env.now))
        while True:
            if env.now >= plan.deadline_s:
                driver.write(Event.DEADLINE)
                break
            yield env.timeout(QUIET_POLL_S)
            if self._producing:
                continue
            if any(node.record.delivery for node in self._nodes.values()):
                continue
            measured = self._queue.call(Measure())
            if isinstance(measured, Measured) and not pending(measured):
                driver.write(Event.QUIET)
                break
        self._over.succeed()


def simulate(plan: Plan, adapter: Adapter) -> History:
    """Run the plan in virtual time. The same plan gives a byte-identical history."""
    return Simulation(plan, adapter).run()
