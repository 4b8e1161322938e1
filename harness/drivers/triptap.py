"""What stands on the connections of a library when its round trips are to be seen or broken.

It cuts what passes by the connection's own protocol (:mod:`....wires`), names each round trip,
and strikes the one that a :class:`..faults.TripFault` names. What a client sends at once and what
answers it is one round trip; what a server pushes unasked is one, too. Of a node that is being
killed nothing passes any more, on none of its connections; what a node in the dark sent passes
when that is over, as it does after a TCP retransmission. One tap per connection, on the event
loop of the proxy.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from ...protocol.events import Phase
from ...proxy.applied import Direction
from ...proxy.tap import Tapped
from ...wires import talk_of
from ...wires.wire import UNASKED, UNGUARDED, Counting, Guard, Pushing, Repeatable, Talk
from ..faults import TripFault
from ..faults.break_trip import BreakTrip
from .calltap import Wire
from .trips import Meant, Record, Trip, TripStrikes

UP, DOWN = Direction.UPSTREAM, Direction.DOWNSTREAM
Held = tuple[Direction, bytes | None]  # None: this direction has ended


@dataclass
class Watch:
    """What the taps of a run share; ``record`` is given each round trip when it is over."""

    wire: Wire
    strikes: TripStrikes
    record: Record | None = None
    taps: dict[int, list[TripTap]] = field(default_factory=dict)
    dying: dict[int, TripTap] = field(default_factory=dict)  # a node, and what was struck of it
    dark: set[int] = field(default_factory=set)

    def stands(self, node: int) -> bool:
        """Whether nothing of that node passes just now."""
        return node in self.dying or node in self.dark

    def lighten(self, node: int) -> None:
        """The node's silence is over: let pass what was held."""
        self.dark.discard(node)
        for tap in list(self.taps.get(node, [])):
            tap.release()


@dataclass
class _Asked:
    """A round trip under way; ``left``: how many answers are still to come.

    ``repeats``: the fault that has sent its request again, of whose answers the client is not told.
    """

    name: str
    request: bytes
    left: int
    at_s: float
    meant: Meant
    guard: Guard = UNGUARDED
    reply: bytes = b""
    bears_twice: bool = False
    repeats: tuple[int, TripFault] | None = None


class TripTap:
    """The tap of one connection of ``node``, to its broker or to a ``service``."""

    def __init__(self, watch: Watch, node: int, link: Tapped, service: str = "") -> None:
        self._watch = watch
        self._service = service
        self._node = node
        self._side = watch.strikes.side(node)
        self._link = link
        self._session = None if service else watch.wire.framing.session()
        self._talk: Talk | None = None
        self._requests, self._replies = bytearray(), bytearray()
        self._burst: list[bytes] = []
        self._asked = deque[_Asked]()
        self._held: list[Held] = []
        self._late = False
        self._deaf = False
        self._blind = False
        self._ends = self._left = self._unheard = False
        watch.taps.setdefault(node, []).append(self)

    def opened(self) -> None:
        pass

    def closed(self) -> None:
        watch, node = self._watch, self._node
        watch.taps[node].remove(self)
        if watch.dying.get(node) is self:
            del watch.dying[node]  # whoever comes now is its successor
        for asked in self._asked:
            self._saw(asked, -1.0)

    def received(self, direction: Direction, data: bytes) -> None:
        if self._deaf:
            return
        if self._watch.stands(self._node) or (self._late and direction is DOWN):
            self._held.append((direction, data))
        elif self._blind:
            self._link.forward(direction, data)
        elif direction is UP:
            self._sent(data)
        else:
            self._answered(data)

    def ended(self, direction: Direction) -> None:
        """Where no answer passes, no end is heard; the client's own end is at once."""
        if self._node in self._watch.dark and not self._deaf:
            self._held.append((direction, None))
        elif direction is UP:
            self._leave()
        elif self._left:
            self._link.end(DOWN)
        elif self._late:
            self._held.append((DOWN, None))
        elif self._deaf or self._watch.stands(self._node):
            self._unheard = True
        else:
            self._link.end(DOWN)

    def _leave(self) -> None:
        """The client has gone: nobody is left to whom an end would be told too soon."""
        self._left = True
        self._link.end(UP)
        if self._unheard:
            self._link.end(DOWN)

    def release(self) -> None:
        """Let pass what was held back, unless it has to stand again.

        Who has ended meanwhile is still seen to be answered.
        """
        held, self._held = self._held, []
        for direction, data in held:
            if data is not None:
                self.received(direction, data)
            elif direction is UP and self._asked and not self._watch.stands(self._node):
                self._ends = True
            else:
                self.ended(direction)

    # -- requests ---------------------------------------------------------------------------

    def _sent(self, data: bytes) -> None:
        self._requests += data
        if self._talk is None:
            self._talk = talk_of(bytes(self._requests))
        self._burst += self._talk.requests(self._requests)
        if self._requests or not self._burst:
            return  # the rest of what was sent at once is still to come
        burst, self._burst = self._burst, []
        for message in burst:
            self._shown(message, asked=True)
        name, request = self._talk.name(burst), b"".join(burst)
        if self._service:
            name = f"{self._service}: {name}"
        meant = self._watch.strikes.at_request(self._side, name)
        left = self._talk.awaited(burst)
        asked = _Asked(name, request, left, self._now(), meant, self._talk.guard(burst))
        asked.bears_twice = isinstance(self._talk, Repeatable) and self._talk.bears_twice(burst)
        if not self._strike(asked, at_answer=False):
            self._pass_on(asked)

    def _pass_on(self, asked: _Asked) -> None:
        self._link.forward(UP, asked.request)
        if asked.left == UNASKED:
            self._blind = True
            self._link.forward(DOWN, bytes(self._replies))
        if asked.left > 0:
            self._asked.append(asked)
            return
        self._saw(asked, self._now())
        self._strike(asked, at_answer=True)

    def _shown(self, message: bytes, asked: bool) -> None:
        """Let the library's framing see what passes between it and its broker."""
        if self._session is None:
            return
        if asked:
            self._session.request(message)
        else:
            self._session.reply(message)
        self._watch.wire.tell(self._node, self._session)

    # -- answers ----------------------------------------------------------------------------

    def _answered(self, data: bytes) -> None:
        self._replies += data
        if self._talk is None:
            self._talk = talk_of(b"")  # the server speaks first
        for reply in self._talk.replies(self._replies):
            if self._deaf or self._late or self._watch.stands(self._node):
                if not self._deaf:
                    self._held.append((DOWN, reply))
                continue
            self._reply(reply)

    def _reply(self, reply: bytes) -> None:
        if reply:  # else what came before it has answered this, too
            self._shown(reply, asked=False)
        if isinstance(self._talk, Pushing) and (name := self._talk.pushed(reply)):
            self._pushed(name, reply)
            return
        if not self._asked:
            self._link.forward(DOWN, reply)
            return
        asked = self._asked[0]
        asked.left -= 1
        asked.reply += reply
        waits = bool(asked.repeats) or any(fault.at_answer for _, fault in asked.meant)
        if not waits:
            self._link.forward(DOWN, reply)
        if asked.left:
            return
        self._asked.popleft()
        self._saw(asked, self._now())
        if asked.repeats:
            self._carried_out(asked, *asked.repeats)
        elif waits and not self._strike(asked, at_answer=True):
            self._link.forward(DOWN, asked.reply)
        if self._ends and not self._asked:
            self._leave()

    def _pushed(self, name: str, message: bytes) -> None:
        """What nobody asked for: a round trip without a request."""
        meant = self._watch.strikes.at_request(self._side, name)
        told = _Asked(name, b"", 0, self._now(), meant, reply=message)
        if self._strike(told, at_answer=True) or self._strike(told, at_answer=False):
            return
        self._link.forward(DOWN, message)
        self._saw(told, self._now())

    # -- strikes ----------------------------------------------------------------------------

    def _strike(self, asked: _Asked, at_answer: bool) -> bool:
        """Strike this round trip now, if one of the faults that are meant for it does so."""
        strikes = self._watch.strikes
        brings = strikes.jobs_in(asked.reply)
        for number, fault in asked.meant:
            pushed = not asked.request  # it has no request, so whatever is meant for it meets it
            meets = strikes.meets(fault, brings) or not (at_answer or pushed)
            twice = isinstance(fault, BreakTrip) and fault.how == "twice"
            if twice and not asked.bears_twice:
                continue
            if fault.at_answer is at_answer and meets and strikes.spend(number):
                if twice:
                    self._repeat(asked, number, fault)
                else:
                    self._carry_out(asked, number, fault)
                return True
        return False

    def _repeat(self, asked: _Asked, number: int, fault: TripFault) -> None:
        """Pass it on, and once more; struck is who has been answered the second time, too."""
        assert self._talk
        again = _Asked(asked.name, asked.request, asked.left, asked.at_s, (), asked.guard)
        self._pass_on(asked)
        self._talk.requests(bytearray(asked.request))  # it is asked twice, and told so
        if again.left > 0:
            again.repeats = number, fault
        else:
            self._carried_out(again, number, fault)
        self._pass_on(again)

    def _carried_out(self, asked: _Asked, number: int, fault: TripFault) -> None:
        """Write it down. Where it is known which jobs are in it, one of them was struck."""
        strikes = self._watch.strikes
        jobs = strikes.jobs_in(asked.request) + strikes.jobs_in(asked.reply)
        job = fault.job if fault.job in jobs or not jobs else jobs[0]
        self._watch.wire.struck(number, self._node, Phase.ON_THE_WIRE, job, fault.lasts_s)

    def _carry_out(self, asked: _Asked, number: int, fault: TripFault) -> None:
        watch = self._watch
        self._carried_out(asked, number, fault)
        if not isinstance(fault, BreakTrip):
            watch.dying[self._node] = self
        elif fault.how in ("lose_request", "lose_reply"):
            self._deaf = True
        elif fault.how in ("reset_before", "reset_after"):
            self._deaf = True
            self._link.reset()
        elif fault.how == "late":
            self._late = True
            self._held.append((DOWN, asked.reply))
            asyncio.get_running_loop().call_later(fault.for_s, self._in_time)
        else:
            watch.dark.add(self._node)
            self._held.append((UP, asked.request) if asked.request else (DOWN, asked.reply))
            asyncio.get_running_loop().call_later(fault.for_s, watch.lighten, self._node)

    def _in_time(self) -> None:
        """The late answer passes, with whatever came behind it."""
        self._late = False
        (_, reply), *rest = self._held
        self._held = rest
        if reply is not None:
            self._link.forward(DOWN, reply)
        self.release()

    # -- what is seen -----------------------------------------------------------------------

    def _saw(self, asked: _Asked, at_s: float) -> None:
        """Tell that the round trip is over."""
        strikes, watch = self._watch.strikes, self._watch
        brings = strikes.jobs_in(asked.reply)
        if watch.record:
            asks = strikes.jobs_in(asked.request)
            sizes = len(asked.request), len(asked.reply)
            wire = type(self._talk).__name__.removesuffix("Talk")
            watch.record.trips.append(
                Trip(
                    self._side,
                    self._node,
                    self._link.number,
                    asked.name,
                    wire,
                    asked.at_s,
                    at_s,
                    asks,
                    brings,
                    *sizes,
                    self._service,
                    asked.guard,
                    self._talk is not None and self._talk.refused(asked.reply),
                    asked.bears_twice,
                    not isinstance(self._talk, Counting) or self._talk.changed(asked.reply),
                )
            )

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
