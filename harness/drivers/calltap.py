"""Faults on single calls: what stands on every connection between a node and the queue.

It cuts what the node sends into the backend's messages (``Framing``), counts the calls of
each kind, and strikes the ones that the plan names: lose the request, lose the reply, delay,
deliver twice, reset. A fault that lasts from a time to a time is carried out by toxics
further down; here it is only written down which calls it met. One tap per connection, on the
event loop of the proxy.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

from ...backends.system import Session, Taking, Telling
from ...protocol.events import Phase
from ...proxy.applied import Direction
from ...proxy.tap import Tapped
from ..faults import CallFault
from ..faults.world import Link
from ..strikes import CallStrikes, call_phase
from .hands import Hands
from .takings import MOMENT, Takings

NOBODY_S = Hands()
UP, DOWN = Direction.UPSTREAM, Direction.DOWNSTREAM


class Struck(Protocol):
    """Write down that a fault has struck a call of this node."""

    def __call__(
        self, fault: int, node: int, phase: Phase, job: int, length_s: float = 0.0, words: str = ""
    ) -> None: ...


class Cut(Protocol):
    """The framing, as the taps use it: it cuts bytes, and has a session for each connection."""

    @property
    def shows_replies(self) -> bool:
        """Whether replies can be cut and looked into."""

    def split(self, buffer: bytearray) -> list[bytes]: ...
    def split_replies(self, buffer: bytearray) -> list[bytes]: ...
    def session(self) -> Session: ...


class Wire(NamedTuple):
    """What the taps of one run share.

    ``link(node)`` is what the node's messages meet now, with the number of the fault.
    """

    framing: Cut
    calls: CallStrikes
    link: Callable[[int], tuple[int, Link] | None]
    struck: Struck
    job_index: Callable[[str], int]
    passed: Callable[[int, int, str, bool], None] = lambda node, job, words, taken: None
    refused: Callable[[int, int, str, str], None] = lambda node, job, call, words: None
    hands: Hands = NOBODY_S
    takings: Takings | None = None
    gives_up_s: float = math.inf  # TCP gives up a connection on which nothing passes any more

    def tell(self, node: int, session: Session) -> None:
        """Write down what the message that passes now does to a job, if the session knows it."""
        passing = session.passing if isinstance(session, Telling) else None
        if passing and (job := self.job_index(passing.job)) >= 0:
            self.passed(node, job, passing.words, passing.call == "lease" and not passing.refused)
            if passing.refused:
                self.refused(node, job, passing.call, passing.refused)

    def strike(
        self, node: int, kinds: tuple[str, ...], call: str, job: int
    ) -> tuple[int, CallFault | None]:
        """Count one more request of these kinds; the fault that strikes it alone, if one does.

        While a lasting fault meets the node it strikes instead, and that is written down.
        """
        found: tuple[int, CallFault | None] = (-1, None)
        for kind in kinds:
            found = self.calls.next(kind) or found
        if changed := self.link(node):
            found = (-1, None)
            if call:
                number, link = changed
                self.struck(number, node, call_phase(call, False), job, link.later_s)
        return found


class CallTap:
    """The tap of one connection of ``node``, for a protocol whose replies are ``numbered``."""

    def __init__(self, wire: Wire, node: int, link: Tapped) -> None:
        self._wire = wire
        self._session = wire.framing.session()
        self._node = node
        self._link = link
        self._requests, self._replies = bytearray(), bytearray()
        self._calls: dict[int, tuple[str, int]] = {}
        self._lost_replies: dict[int, int] = {}
        self._late = 0
        self._ended = False

    def opened(self) -> None:
        pass

    def closed(self) -> None:
        pass

    def received(self, direction: Direction, data: bytes) -> None:
        framing = self._wire.framing
        if direction is UP:
            self._requests += data
            for message in framing.split(self._requests):
                self._request(message)
        else:
            self._replies += data
            for message in framing.split_replies(self._replies):
                self._reply(message)

    def ended(self, direction: Direction) -> None:
        """The node has gone; what it sent and what is merely late still arrives."""
        self._ended |= direction is UP
        if direction is DOWN or not self._late:
            self._link.end(direction)

    def _request(self, message: bytes) -> None:
        wire = self._wire
        trip, call, identifier = self._session.request(message)
        job = wire.job_index(identifier)
        self._calls[trip] = (call, job)
        number, fault = wire.strike(self._node, (call,), call, job)
        how = fault.how if fault else ""
        if how in ("lose_request", "reset"):
            self._struck(number, call_phase(call, False), job)
            if how == "reset":
                self._link.reset()
            return
        if how == "delay" and fault:
            self._struck(number, call_phase(call, False), job, fault.delay_s)
            self._late += 1
            asyncio.get_running_loop().call_later(fault.delay_s, self._send_late, message)
            return
        if how == "lose_reply":
            self._lost_replies[trip] = number
        if how == "duplicate":
            self._struck(number, call_phase(call, True), job)
            self._link.forward(UP, message)
        self._link.forward(UP, message)

    def _send_late(self, message: bytes) -> None:
        self._link.forward(UP, message)
        self._late -= 1
        if self._ended and not self._late:
            self._link.end(UP)

    def _reply(self, message: bytes) -> None:
        wire = self._wire
        trip, answered, identifier = self._session.reply(message)
        call, job = self._calls.pop(trip, (answered, -1))
        number = self._lost_replies.pop(trip, None)
        if call == "lease" and identifier:
            job = wire.job_index(identifier)
            if granted := wire.calls.next("granted"):
                number = granted[0]
        if number is not None:
            self._struck(number, call_phase(call, True), job)
            return
        if (changed := wire.link(self._node)) and not changed[1].passes:
            self._struck(changed[0], call_phase(call, True), job)
        self._link.forward(DOWN, message)

    def _struck(self, fault: int, phase: Phase, job: int, length_s: float = 0.0) -> None:
        self._wire.struck(fault, self._node, phase, job, length_s)


class OrderedTap:
    """The tap of one connection whose replies are known by their place alone.

    A request or a reply that is lost takes the rest of the connection along, since what
    came after it would be taken for it; and no request can be delivered twice.
    """

    def __init__(self, wire: Wire, node: int, link: Tapped) -> None:
        self._wire = wire
        self._session = wire.framing.session()
        self._node = node
        self._link = link
        self._requests, self._replies = bytearray(), bytearray()
        self._waiting: list[bytes] = []
        self._asking = 0
        self._deaf = False
        self._ended = False

    def opened(self) -> None:
        pass

    def closed(self) -> None:
        self._asked(-self._asking)

    def received(self, direction: Direction, data: bytes) -> None:
        if self._deaf:
            return
        if direction is DOWN:
            self._received_replies(data)
            return
        self._requests += data
        for message in self._wire.framing.split(self._requests):
            if not self._deaf:
                self._request(message)

    def ended(self, direction: Direction) -> None:
        """The node has gone; what it sent and what is merely late still arrives."""
        self._ended |= direction is UP
        if direction is DOWN or not self._waiting:
            self._link.end(direction)

    def _received_replies(self, data: bytes) -> None:
        if not self._wire.framing.shows_replies:
            self._link.forward(DOWN, data)
            return
        self._replies += data
        for message in self._wire.framing.split_replies(self._replies):
            if not self._deaf:
                self._reply(message)

    def _reply(self, message: bytes) -> None:
        """Pass it on, unless it hands out a job and is the one to be lost."""
        wire = self._wire
        _, call, identifier = self._session.reply(message)
        wire.tell(self._node, self._session)
        kills = call == "lease" and self._kills(message, identifier)
        if isinstance(self._session, Taking) and self._session.answers:
            if call == "lease" and not kills and wire.job_index(identifier) >= 0:
                wire.hands.given(self._node, identifier)
            self._asked(-1)
        if kills:
            self._deaf = True  # until it is killed
            return
        if call == "lease" and identifier and (granted := wire.calls.next("granted")):
            self._struck(granted[0], call_phase(call, True), wire.job_index(identifier))
            self._fall_deaf()
            return
        self._link.forward(DOWN, message)

    def _kills(self, answer: bytes, identifier: str) -> bool:
        """Whether the answer hands out a job with which whoever asked is to die."""
        struck = self._wire.takings.struck(answer, identifier) if self._wire.takings else None
        if struck is None:
            return False
        number, job = struck
        passing = self._session.passing if isinstance(self._session, Telling) else None
        words = getattr(passing, "between", "") or MOMENT
        self._wire.struck(number, self._node, Phase.LEASED, job, words=words)
        return True

    def _request(self, message: bytes) -> None:
        wire = self._wire
        _, call, identifier = self._session.request(message)
        wire.tell(self._node, self._session)
        if isinstance(self._session, Taking) and self._session.asks:
            if not wire.hands.may_ask(self._node):
                self._deaf = True  # until it is killed
                return
            self._asked(1)
        job = wire.job_index(identifier)
        wire.hands.noted(self._node, identifier)
        # Where replies are not shown, a lease that writes has found a job: its reply grants it.
        found = call == "lease" and not wire.framing.shows_replies
        kinds = ("lease", "granted") if found else (call,)
        number, fault = wire.strike(self._node, kinds, call, job)
        how = fault.how if fault else ""
        if how in ("lose_request", "lose_reply", "reset"):
            self._struck(number, call_phase(call, how == "lose_reply"), job)
            self._fall_deaf()
        if how == "reset":
            self._link.reset()
        elif how == "delay" and fault:
            self._struck(number, call_phase(call, False), job, fault.delay_s)
            asyncio.get_running_loop().call_later(fault.delay_s, self._send_waiting)
            self._waiting.append(message)
        elif how != "lose_request":
            self._send(message)

    def _asked(self, times: int) -> None:
        self._asking += times
        self._wire.hands.asked(self._node, times)

    def _fall_deaf(self) -> None:
        """Nothing passes any more, until both sides are told that the connection is broken."""
        self._deaf = True
        if math.isfinite(self._wire.gives_up_s):
            asyncio.get_running_loop().call_later(self._wire.gives_up_s, self._link.reset)

    def _send(self, message: bytes) -> None:
        """Send it, but not before what was sent before it."""
        if self._waiting:
            self._waiting.append(message)
        else:
            self._link.forward(UP, message)

    def _send_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for message in waiting:
            self._link.forward(UP, message)
        if self._ended:
            self._link.end(UP)

    def _struck(self, fault: int, phase: Phase, job: int, length_s: float = 0.0) -> None:
        self._wire.struck(fault, self._node, phase, job, length_s)
