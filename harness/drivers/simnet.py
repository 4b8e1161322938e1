"""The simulated network and the queue's waiting room, in virtual time.

A call travels, may be lost, delayed, delivered twice or reset as the plan says, is carried
out by the queue at the moment it arrives, and its reply travels back. A lease that waits
is kept in the waiting room and answered as soon as a job is there, like the broker does.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import simpy

from ...backends.adapter import Queue
from ...backends.commands import Ack, Command, Enqueue, Extend, Lease, Leased, Reply
from ..events import Phase
from ..node_record import CALL_OF
from ..plan import BrokerCrash, NetEffect, Plan, SlowNetwork, Window, job_index
from ..strikes import CallStrikes, call_phase, reaches

STALLED_S = 1e-6  # the least virtual step, so that rounding cannot stop the clock
NEVER = float("inf")

Struck = Callable[[int, Phase, int, float], None]
Trip = Generator[simpy.Event, Any, Reply | None]


class _Waiter:
    """A lease request that the queue holds until a job is ready or ``until``."""

    def __init__(self, command: Lease, until: float, answered: simpy.Event) -> None:
        self.command = command
        self.until = until
        self.answered = answered


class WaitingRoom:
    """The queue as its clients meet it: answers at once, or when there is a job to lease."""

    def __init__(self, env: simpy.Environment, queue: Queue) -> None:
        self._env = env
        self._queue = queue
        self._waiting: list[_Waiter] = []
        self._alarm_at = NEVER

    def call(self, command: Command) -> Reply:
        """Carry the command out now, and serve who waits for what it made ready."""
        reply = self._queue.call(command)
        # An ack or an extension never makes a job ready, nor anything happen sooner.
        if self._waiting and not isinstance(command, Ack | Extend):
            if not isinstance(command, Lease):
                self._serve()
            self._set_alarm()
        return reply

    def crash(self) -> None:
        """The server dies: whoever waits loses the connection, the queue what is not durable."""
        self._queue.crash()
        for waiter in self._waiting:
            waiter.answered.succeed(None)
        self._waiting = []

    def wait(self, command: Lease, wait_s: float) -> Trip:
        """Wait for a job. Whoever dies here leaves the room and is not handed one."""
        waiter = _Waiter(command, self._env.now + wait_s, self._env.event())
        self._waiting.append(waiter)
        self._set_alarm()
        try:
            reply: Reply | None = yield waiter.answered
        finally:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
        return reply

    def _serve(self) -> None:
        """Hand out what is ready, in the order in which the waiters came."""
        now, left = self._env.now, []
        empty: set[tuple[str, ...]] = set()
        for waiter in self._waiting:
            reply: Reply = Leased(None)
            if waiter.command.queues not in empty:
                reply = self._queue.call(waiter.command)
            if isinstance(reply, Leased) and reply.delivery is None:
                empty.add(waiter.command.queues)
                if waiter.until > now:
                    left.append(waiter)
                    continue
            waiter.answered.succeed(reply)
        self._waiting = left

    def _set_alarm(self) -> None:
        """Be called when a waiter's time is up, a delay is over or a lease ends."""
        at = NEVER
        for queues in {waiter.command.queues: None for waiter in self._waiting}:
            at = min(at, self._queue.next_change_at(queues) or NEVER)
        for waiter in self._waiting:
            at = min(at, waiter.until)
        if at < self._alarm_at:
            self._alarm_at = at
            alarm = self._env.timeout(max(STALLED_S, at - self._env.now), at)
            assert alarm.callbacks is not None
            alarm.callbacks.append(self._alarmed)

    def _alarmed(self, alarm: simpy.Event) -> None:
        if alarm.value == self._alarm_at:  # else an earlier alarm has taken its place
            self._alarm_at = NEVER
            self._serve()
            self._set_alarm()


class SimulatedNetwork:
    """Carries one attempt of a call from a node to the queue and back."""

    def __init__(self, env: simpy.Environment, queue: Queue, plan: Plan) -> None:
        self._env = env
        self._room = WaitingRoom(env, queue)
        self._plan = plan
        self._calls = CallStrikes(plan)
        self._windows = plan.windows()
        self.crash = self._room.crash

    def attempt(self, command: Command, node: int, struck: Struck) -> Trip:
        """One request of that node and its reply; None if no reply came in time.

        ``struck(fault, phase, job, length_s)`` is told of each fault that strikes.
        """
        env, plan = self._env, self._plan
        call = CALL_OF[type(command)]
        wait_s = command.wait_s if isinstance(command, Lease) else 0.0
        deadline = env.now + plan.call_timeout_s + wait_s
        number, fault = self._calls.next(call) or (-1, None)
        how = fault.how if fault else None
        late_s = fault.delay_s if fault and how == "delay" else 0.0
        if self._windows and (open_now := self._window(node)):
            number, window = open_now
            how = _meets_request(window)
            late_s = window.latency_s if isinstance(window, SlowNetwork) else 0.0
        if how in ("lose_request", "reset"):
            struck(number, call_phase(call, False), _job_of(command), 0.0)
            yield env.timeout(plan.latency_s if how == "reset" else deadline - env.now)
            return None
        if how == "delay":
            struck(number, call_phase(call, False), _job_of(command), late_s)
            if late_s + plan.latency_s >= plan.call_timeout_s:
                env.process(self._arrive_late(command, late_s))
                yield env.timeout(deadline - env.now)
                return None
            yield env.timeout(late_s)

        yield env.timeout(plan.latency_s)
        reply: Reply | None = self._room.call(command)
        if isinstance(reply, Leased):
            if reply.delivery is None and wait_s > 0:
                assert isinstance(command, Lease)
                reply = yield from self._room.wait(command, wait_s)
            handed = isinstance(reply, Leased) and reply.delivery
            if handed and (granted := self._calls.next("granted")):
                number, how = granted[0], granted[1].how
        if how == "duplicate":
            struck(number, call_phase(call, True), _job_of(command), 0.0)
            self._room.call(command)
        if self._windows and how != "lose_reply" and (open_now := self._window(node)):
            number, window = open_now
            slower_s = window.latency_s if isinstance(window, SlowNetwork) else NEVER
            how = "lose_reply" if env.now + slower_s + plan.latency_s > deadline else "delay"
            if how == "delay":
                yield env.timeout(slower_s)
        if how == "lose_reply":
            struck(number, call_phase(call, True), _job_of(command, reply), 0.0)
            yield env.timeout(max(STALLED_S, deadline - env.now))
            return None
        yield env.timeout(plan.latency_s)
        return reply

    def _window(self, node: int) -> tuple[int, Window] | None:
        """The fault with a beginning and an end that meets that node's calls right now."""
        now = self._env.now
        for number, fault in self._windows:
            if reaches(fault, node, now):
                return number, fault
        return None

    def _arrive_late(self, command: Command, delay_s: float) -> Generator[simpy.Event, Any, None]:
        """A request held up in the network: its sender has long given up on it."""
        yield self._env.timeout(delay_s)
        self._room.call(command)


def _meets_request(window: Window) -> NetEffect:
    """What a request meets while that fault lasts."""
    if isinstance(window, SlowNetwork):
        return "delay"
    return "reset" if isinstance(window, BrokerCrash) else "lose_request"


def _job_of(command: Command, reply: Reply | None = None) -> int:
    """The index of the job that a call concerns, -1 if none."""
    if isinstance(reply, Leased):
        return job_index(reply.delivery.job.id) if reply.delivery else -1
    if isinstance(command, Enqueue):
        return job_index(command.job.id)
    return job_index(getattr(command, "job_id", ""))
