"""The ``sim`` driver: simpy, virtual time, one thread, bit-exact from the plan.

The worker, the producer and the queue do not know that they are simulated: this file
carries out their wants on simpy's clock and plays the network between them. All
randomness comes from one generator seeded by the plan.
"""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from random import Random
from typing import Any

import simpy

from ...backends.adapter import Adapter
from ...backends.commands import Command, Enqueue, Lease, Leased, Measure, Measured, Reply
from ...backends.producer import Gone, WaitUntil, producer
from ...backends.repeat import Attempt, Sleep
from ...backends.worker import (
    ApplyEffect,
    At,
    Finished,
    Stopping,
    Work,
    WorkerOptions,
)
from ..history import Event, History, Phase, Row
from ..node_record import CALL_OF, NodeRecord
from ..plan import KillAt, KillWorker, NetTimeout, Plan, job_index
from ..strikes import PHASE_AT, CallStrikes, PointStrikes, call_phase, phase_of
from .observe import observations, pending

QUIET_POLL_S = 0.05
STALLED_S = 1e-6  # the least virtual step, so that rounding cannot stop the clock
SIGKILL, TIMED_OUT = -9.0, 1.0

Steps = Generator[simpy.Event, Any, Any]


def _wake(sleeper: simpy.Event, _: simpy.Event) -> None:
    if not sleeper.triggered:
        sleeper.succeed()


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
            rows.append(
                (env.now, since, event, answer, phase, number, incarnation, job, token, fault, key, value)
            )  # fmt: skip

        self.write = write
        self.record = NodeRecord(write, lambda: env.now)


class Simulation:
    """One plan on one backend. ``run`` once; then ``rows`` is the history."""

    def __init__(self, plan: Plan, adapter: Adapter) -> None:
        self.plan = plan
        self.env = simpy.Environment()
        self.rows: list[Row] = []
        self._adapter = adapter
        self._queue = adapter.local(lambda: self.env.now, Random(f"queue {plan.seed}"))
        self._calls = CallStrikes(plan)
        self._strikes_used: dict[int, int] = {}
        self._points = PointStrikes(plan, self._claim)
        self._dark = [
            (number, fault)
            for number, fault in enumerate(plan.faults)
            if isinstance(fault, NetTimeout)
        ]
        self._sleepers: list[simpy.Event] = []
        self._workers: list[simpy.Process] = []
        self._nodes: dict[int, _Node] = {}
        self._producing = plan.producers
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
                return
            answer = None
            if isinstance(want, WaitUntil):
                if want.at_s > self.env.now:
                    yield self.env.timeout(want.at_s - self.env.now)
            elif isinstance(want, Attempt):
                answer = yield from self._attempt(node, want.command)
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
            if isinstance(want, Attempt):
                answer = yield from self._attempt(node, want.command)
            elif isinstance(want, At):
                yield from self._fault_point(node, want)
            elif isinstance(want, Work):
                work_s, timeout_s = record.begin_work(plan, want)
                if timeout_s <= work_s:
                    yield env.timeout(max(0.0, timeout_s))
                    raise _Died(TIMED_OUT)
                if work_s > 0:
                    yield env.timeout(work_s)
                answer = record.end_work(plan, want, work_s, stopping=False)
            elif isinstance(want, ApplyEffect):
                record.effect(want)
            elif isinstance(want, Finished):
                record.finished(want)
            elif isinstance(want, Stopping):
                answer = False
            else:
                assert isinstance(want, Sleep)
                yield env.timeout(want.seconds)

    # -- the network --------------------------------------------------------------------

    def _attempt(self, node: _Node, command: Command) -> Generator[simpy.Event, Any, Reply | None]:
        """One request and its reply over the simulated network; None if none came."""
        env, plan = self.env, self.plan
        node.record.sending(command)
        call = CALL_OF[type(command)]
        wait_s = command.wait_s if isinstance(command, Lease) else 0.0
        deadline = env.now + plan.call_timeout_s + wait_s
        job = job_index(
            command.job.id if isinstance(command, Enqueue) else getattr(command, "job_id", "")
        )

        number, fault = self._calls.next(call) or (-1, None)
        how = fault.how if fault else None
        for dark_number, dark in self._dark:
            if dark.at_s <= env.now < dark.at_s + dark.for_s:
                number, how = dark_number, "lose_request"
        if how == "lose_request" or how == "reset":
            self._struck(node, number, call_phase(call, False), job)
            yield env.timeout(plan.latency_s if how == "reset" else deadline - env.now)
            return None
        if how == "delay":
            assert fault is not None
            self._struck(node, number, call_phase(call, False), job, fault.delay_s)
            if fault.delay_s + plan.latency_s >= plan.call_timeout_s:
                env.process(self._arrives_late(command, fault.delay_s))
                yield env.timeout(deadline - env.now)
                return None
            yield env.timeout(fault.delay_s)

        yield env.timeout(plan.latency_s)
        reply = self._deliver(command)
        if isinstance(command, Lease) and isinstance(reply, Leased):
            if reply.delivery is None and wait_s > 0:
                reply = yield from self._wait_for_job(command, env.now + wait_s)
            if isinstance(reply, Leased) and reply.delivery:
                job = job_index(reply.delivery.job.id)
                if granted := self._calls.next("granted"):
                    number, fault = granted
                    how = fault.how
        if how == "duplicate":
            self._struck(node, number, call_phase(call, True), job)
            self._deliver(command)
        if how == "lose_reply":
            self._struck(node, number, call_phase(call, True), job)
            yield env.timeout(max(STALLED_S, deadline - env.now))
            return None
        for dark_number, dark in self._dark:
            if dark.at_s <= env.now < dark.at_s + dark.for_s:
                self._struck(node, dark_number, call_phase(call, True), job)
                yield env.timeout(max(STALLED_S, deadline - env.now))
                return None
        yield env.timeout(plan.latency_s)
        node.record.answered(reply)
        return reply

    def _arrives_late(self, command: Command, delay_s: float) -> Steps:
        """A request held up in the network: its sender has long given up on it."""
        yield self.env.timeout(delay_s)
        self._deliver(command)

    def _deliver(self, command: Command) -> Reply:
        reply = self._queue.call(command)
        if self._sleepers and not isinstance(command, Lease):
            sleepers, self._sleepers = self._sleepers, []
            for sleeper in sleepers:
                if not sleeper.triggered:
                    sleeper.succeed()
        return reply

    def _wait_for_job(self, command: Lease, until: float) -> Generator[simpy.Event, Any, Reply]:
        """The queue holds the request until a job is ready, or until it has waited enough."""
        env = self.env
        while env.now < until:
            change = self._queue.next_change_at(command.queues)
            wake_at = until if change is None else min(change, until)
            wake = env.event()
            timer = env.timeout(max(STALLED_S, wake_at - env.now))
            assert timer.callbacks is not None
            timer.callbacks.append(partial(_wake, wake))
            self._sleepers.append(wake)
            yield wake
            reply = self._deliver(command)
            if not isinstance(reply, Leased) or reply.delivery:
                return reply
        return Leased(None)

    # -- faults -------------------------------------------------------------------------

    def _claim(self, fault: int, times: int) -> bool:
        used = self._strikes_used.get(fault, 0)
        self._strikes_used[fault] = used + 1
        return used < times

    def _struck(
        self, node: _Node, fault: int, phase: Phase, job: int, length_s: float = 0.0
    ) -> None:
        token = node.record.delivery.token if node.record.delivery else 0
        node.write(
            Event.FAULT_STRUCK, phase=phase, job=job, token=token, fault=fault, value=length_s
        )

    def _fault_point(self, node: _Node, want: At) -> Steps:
        for number, fault in self._points.at(job_index(want.delivery.job.id), want.point):
            phase, job = PHASE_AT[want.point], job_index(want.delivery.job.id)
            if isinstance(fault, KillAt):
                self._struck(node, number, phase, job)
                raise _Died(SIGKILL)
            self._struck(node, number, phase, job, fault.for_s)
            yield self.env.timeout(fault.for_s)
            node.write(Event.RESUMED, job=job, fault=number)

    def _kill(self, number: int, fault: KillWorker) -> Steps:
        yield self.env.timeout(fault.at_s)
        node = self._nodes[fault.worker]
        delivery = node.record.delivery
        job = job_index(delivery.job.id) if delivery else -1
        self._struck(node, number, phase_of(self.rows, node.number, job), job)
        self._workers[fault.worker].interrupt()

    # -- the end ------------------------------------------------------------------------

    def _until_quiet(self) -> Steps:
        """End the run when everything is settled and healed, or at the deadline."""
        env, plan = self.env, self.plan
        driver = _Node(self, -1, 0)
        healed = plan.healed_at_s
        while True:
            yield env.timeout(QUIET_POLL_S)
            if env.now >= plan.deadline_s:
                driver.write(Event.DEADLINE)
                break
            if self._producing or env.now < healed:
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
