"""The simulated network and the queue's waiting room, in virtual time.

A call travels, may be lost, delayed, delivered twice or reset as the plan says, is carried
out by the queue at the moment it arrives, and its reply travels back. A lease that waits
is kept in the waiting room and answered as soon as a job is there, like the broker does.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple, Protocol

from ...backends.adapter import Queue
from ...protocol.commands import Ack, Command, Enqueue, Extend, Lease, Leased, Reply
from ...protocol.events import Phase
from ..faults import NetEffect
from ..faults.world import Link
from ..plan.plan import Plan
from ..record.node_record import CALL_OF
from ..strikes import CallStrikes, call_phase
from .clock import UNTIL_WOKEN, Clock, Process, Steps
from .skew import WallClocks

STALLED_S = 1e-6  # the least virtual step, so that rounding cannot stop the clock
LOOK_AGAIN_S = 0.05  # at what is overdue, or
OVERDUE_SHARE = 0.02  # this share of the time since it was due, if that is more
NEVER = float("inf")
NOTHING_SOONER = (Ack, Extend)  # never make a job ready, nor anything happen sooner

Alike = tuple[tuple[str, ...], float]  # the queues that are asked, and how wrong the clock is


class Meets(NamedTuple):
    """What a fault, by its number, does to one round trip."""

    fault: int
    how: NetEffect
    delay_s: float = 0.0


class Caller(Protocol):
    """A node as the network knows it."""

    @property
    def number(self) -> int: ...

    def wake(self, reply: Reply | None) -> None:
        """End its wait: this is the reply that the queue did not have at once."""

    def struck(self, fault: int, phase: Phase, job: int, length_s: float = 0.0) -> None:
        """A fault of the plan has struck its call."""


class _Waiter:
    """A lease request that the queue holds until a job is ready or ``until``."""

    def __init__(self, command: Lease, until: float, caller: Caller) -> None:
        self.command = command
        self.until = until
        self.caller = caller
        self.answer = caller.wake


class WaitingRoom:
    """The queue as its clients meet it: answers at once, or when there is a job to lease."""

    def __init__(self, clock: Clock, walls: WallClocks, queue: Queue) -> None:
        self._clock = clock
        self._walls = walls
        self._queue = queue
        self.calls = 0
        self._waiting: list[_Waiter] = []
        self._alarm_at = NEVER
        self._rang_at = NEVER

    def call(self, command: Command, caller: Caller) -> Reply:
        """Carry the command out now, and serve who waits for what it made ready."""
        reply = self._carry_out(command, caller)
        if self._waiting and type(command) not in NOTHING_SOONER:
            if not isinstance(command, Lease):
                self._serve()
            self._set_alarm()
        return reply

    def look_again(self) -> None:
        """A clock has jumped: what is due by it now may be other than was foreseen."""
        self._serve()
        self._set_alarm()

    def crash(self) -> None:
        """The server dies: whoever waits loses the connection, the queue what is not durable."""
        self._queue.crash()
        for waiter in self._waiting:
            waiter.answer(None)
        self._waiting = []

    def lease(self, command: Lease, caller: Caller) -> Steps:
        """Hand out a job, or wait for one. Whoever dies here leaves and is handed none."""
        reply = self._carry_out(command, caller)
        if command.wait_s <= 0 or not isinstance(reply, Leased) or reply.delivery:
            if self._waiting:
                self._set_alarm()
            return reply
        waiter = _Waiter(command, self._clock.now + command.wait_s, caller)
        self._waiting.append(waiter)
        self._set_alarm()
        try:
            reply = yield UNTIL_WOKEN
        finally:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
        return reply

    def _carry_out(self, command: Command, caller: Caller) -> Reply:
        self.calls += 1
        self._walls.calling = caller.number
        return self._queue.call(command)

    def _serve(self) -> None:
        """Hand out what is ready, in the order in which the waiters came."""
        now, left = self._clock.now, []
        empty: set[Alike] = set()
        for waiter in self._waiting:
            reply: Reply = Leased(None)
            alike = self._alike(waiter)
            if alike not in empty:
                reply = self._carry_out(waiter.command, waiter.caller)
            if isinstance(reply, Leased) and reply.delivery is None:
                empty.add(alike)
                if waiter.until > now:
                    left.append(waiter)
                    continue
            waiter.answer(reply)
        self._waiting = left

    def _set_alarm(self) -> None:
        """Be called when a waiter's time is up, a delay is over or a lease ends."""
        at, asked = self._alarm_at, None
        for waiter in self._waiting:
            alike = self._alike(waiter)
            if alike != asked:  # most are
                asked = alike
                self._walls.calling = waiter.caller.number
                at = min(at, self._queue.next_change_at(waiter.command.queues) or NEVER)
            if waiter.until < at:
                at = waiter.until
        if at < self._alarm_at:
            self._alarm_at = at
            # A queue that did nothing at that very time will do nothing a microsecond later.
            now, least_s = self._clock.now, STALLED_S
            if at == self._rang_at:
                least_s = max(LOOK_AGAIN_S, OVERDUE_SHARE * (now - at))
            self._clock.after(max(least_s, at - now), self._alarmed, at)

    def _alike(self, waiter: _Waiter) -> Alike:
        """Waiters of which this is the same are given the same answer."""
        return waiter.command.queues, self._walls.ahead_s(waiter.caller.number)

    def _alarmed(self, at: float) -> float:
        if at == self._alarm_at:  # else an earlier alarm has taken its place
            self._alarm_at = NEVER
            self._rang_at = at if self._clock.now >= at else NEVER
            self._serve()
            self._set_alarm()
        return UNTIL_WOKEN


class SimulatedNetwork:
    """Carries one attempt of a call from a node to the queue and back."""

    def __init__(self, clock: Clock, walls: WallClocks, queue: Queue, plan: Plan) -> None:
        self._clock = clock
        self._room = WaitingRoom(clock, walls, queue)
        self._plan = plan
        self._calls = CallStrikes(plan)
        self._links = plan.links()
        self.crash = self._room.crash
        self.look_again = self._room.look_again

    @property
    def calls(self) -> int:
        """How many calls have come to the queue."""
        return self._room.calls

    def attempt(self, command: Command, caller: Caller) -> Steps:
        """One request of that node and its reply; None if no reply came in time."""
        plan, call = self._plan, CALL_OF[type(command)]
        wait_s = command.wait_s if isinstance(command, Lease) else 0.0
        deadline = self._clock.now + plan.call_timeout_s + wait_s
        strike = self._next(call)
        if self._links and (changed := self._link(caller.number)):
            strike = _of_request(*changed)
        if strike and not (yield from self._request(command, caller, strike, deadline)):
            return None

        yield plan.latency_s
        if isinstance(command, Lease):
            reply: Reply | None = yield from self._room.lease(command, caller)
            if isinstance(reply, Leased) and reply.delivery:
                strike = self._next("granted") or strike
        else:
            reply = self._room.call(command, caller)
        if strike or self._links:
            arrives = yield from self._reply(command, reply, caller, strike, deadline)
            if not arrives:
                return None
        yield plan.latency_s
        return reply

    def _request(
        self, command: Command, caller: Caller, strike: Meets, deadline: float
    ) -> Generator[float, Any, bool]:
        """What the fault does to the request on its way; whether it arrives in time."""
        plan, how = self._plan, strike.how
        if how not in ("lose_request", "reset", "delay"):
            return True
        late_s = strike.delay_s if how == "delay" else 0.0
        phase = call_phase(CALL_OF[type(command)], False)
        caller.struck(strike.fault, phase, self._job_of(command), late_s)
        if how == "delay":
            if late_s + plan.latency_s < plan.call_timeout_s:
                yield late_s
                return True
            Process(self._clock, self._arrive_late(command, caller, late_s))
        yield plan.latency_s if how == "reset" else deadline - self._clock.now
        return False

    def _reply(
        self,
        command: Command,
        reply: Reply | None,
        caller: Caller,
        strike: Meets | None,
        deadline: float,
    ) -> Generator[float, Any, bool]:
        """What faults do once the request has arrived; whether the reply comes in time."""
        number, how = (strike.fault, strike.how) if strike else (-1, None)
        phase = call_phase(CALL_OF[type(command)], True)
        if how == "duplicate":
            caller.struck(number, phase, self._job_of(command))
            self._room.call(command, caller)
        if how != "lose_reply" and (changed := self._link(caller.number)):
            number, link = changed
            slower_s = link.later_s if link.passes else NEVER
            if self._clock.now + slower_s + self._plan.latency_s <= deadline:
                yield slower_s
                return True
            how = "lose_reply"
        if how != "lose_reply":
            return True
        caller.struck(number, phase, self._job_of(command, reply))
        yield max(STALLED_S, deadline - self._clock.now)
        return False

    def _next(self, call: str) -> Meets | None:
        """Count one more round trip of this kind; what it meets, if a fault is tied to it."""
        if struck := self._calls.next(call):
            number, fault = struck
            return Meets(number, fault.how, fault.delay_s)
        return None

    def _link(self, node: int) -> tuple[int, Link] | None:
        """What that node's messages meet right now, with the number of the fault."""
        now = self._clock.now
        for number, fault in self._links:
            if fault.active(now) and (link := fault.link(node)):
                return number, link
        return None

    def _arrive_late(self, command: Command, caller: Caller, delay_s: float) -> Steps:
        """A request held up in the network: its sender has long given up on it."""
        yield delay_s
        self._room.call(command, caller)

    def _job_of(self, command: Command, reply: Reply | None = None) -> int:
        """The index of the job that a call concerns, -1 if none."""
        index = self._plan.job_index
        if isinstance(reply, Leased):
            return index(reply.delivery.job.id) if reply.delivery else -1
        if isinstance(command, Enqueue):
            return index(command.job.id)
        return index(getattr(command, "job_id", ""))


def _of_request(number: int, link: Link) -> Meets:
    """What a request meets while a fault of the network lasts."""
    if link.passes:
        return Meets(number, "delay", link.later_s)
    return Meets(number, "reset" if link.refused else "lose_request")
