"""The watch over one proxy: it counts round trips, lists them, and carries out triggers.

It is a tap, so the toxics come after it, and a proxy without a watch pays nothing for it.
A watch that comes to live connections counts their round trips from then on.
"""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from ..errors import ProtocolError
from .applied import Direction
from .link import Link
from .proxy import Proxy
from .triggers import Armed, Callback, Strike, Trigger

KEPT = 100_000  # round trips that a recorder remembers
UPSTREAM, DOWNSTREAM = Direction.UPSTREAM, Direction.DOWNSTREAM


class TriggerError(ProtocolError):
    """The trigger cannot be set as it is."""


@dataclass
class RoundTrip:
    """One round trip as seen at the proxy; times in seconds since recording began.

    ``connection`` and ``number`` count from 1. ``answered_s`` is None until the first byte
    of the answer came. ``struck`` names the trigger that met it.
    """

    connection: int
    number: int
    began_s: float
    request_bytes: int = 0
    reply_bytes: int = 0
    answered_s: float | None = None
    last_s: float | None = None
    struck: str | None = None


class Watch:
    """Set and remove triggers, record and list round trips. On the event loop's thread."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._armed: dict[str, Armed] = {}
        self._trips: deque[RoundTrip] | None = None
        self._began_s = 0.0
        self._named = 0

    # -- triggers ---------------------------------------------------------------------------

    @property
    def armed(self) -> list[Armed]:
        """The triggers that are set, in the order of setting. The first that fits strikes."""
        return list(self._armed.values())

    def arm(self, trigger: Trigger, callback: Callback | None = None) -> Armed:
        """Set a trigger; one without a name is given one. Raises TriggerError."""
        if (trigger.action == "callback") != (callback is not None):
            raise TriggerError("a callback and its function go together, in Python only")
        if trigger.through is not None and trigger.through < trigger.nth:
            raise TriggerError("'through' comes before 'nth'")
        if (trigger.request_has or trigger.reply_has) and trigger.counts != "trips_of_proxy":
            raise TriggerError("'request_has' and 'reply_has' go with 'trips_of_proxy' only")
        if trigger.reply_has and not trigger.on_reply:
            raise TriggerError("'reply_has' goes with what is done to replies only")
        self._named += 1
        name = trigger.name or f"{trigger.action}_{self._named}"
        if name in self._armed:
            raise TriggerError(f"a trigger {name!r} is set already")
        self._install()
        armed = Armed(replace(trigger, name=name), callback)
        self._armed[name] = armed
        return armed

    def disarm(self, name: str) -> None:
        """Remove a trigger; what it holds back already passes in its time. Raises KeyError."""
        del self._armed[name]

    def disarm_all(self) -> None:
        self._armed.clear()

    # -- the recorder -----------------------------------------------------------------------

    def record(self) -> None:
        """Begin to record, or begin anew. Raises TriggerError if there is another tap."""
        self._install()
        self._trips = deque(maxlen=KEPT)
        self._began_s = asyncio.get_running_loop().time()

    def forget(self) -> None:
        """Stop recording and forget what was recorded."""
        self._trips = None

    @property
    def round_trips(self) -> list[RoundTrip]:
        """Those recorded so far, in the order they began; the last 100,000 at most."""
        return list(self._trips or ())

    # -- what watchers ask ------------------------------------------------------------------

    def struck_connection(self, connection: int) -> Armed | None:
        met = [armed for armed in self.armed if armed.meets_connection(connection)]
        return _strike(met)

    def struck_request(self, connection: int, number: int, request: bytes) -> Armed | None:
        """The trigger that strikes this round trip, as its request begins."""
        armed = [armed for armed in self.armed if not armed.trigger.reply_has]
        return _strike([a for a in armed if a.meets_trip(connection, number, request, b"")])

    def struck_reply(
        self, connection: int, number: int, request: bytes, reply: bytes
    ) -> Armed | None:
        """The trigger that strikes this round trip, as its reply begins."""
        armed = [armed for armed in self.armed if armed.trigger.reply_has]
        return _strike([a for a in armed if a.meets_trip(connection, number, request, reply)])

    def began(self, connection: int, number: int) -> RoundTrip:
        trip = RoundTrip(connection, number, self.now())
        if self._trips is not None:
            self._trips.append(trip)
        return trip

    def now(self) -> float:
        return asyncio.get_running_loop().time() - self._began_s

    def _install(self) -> None:
        if self._proxy.tap_factory == self._tap:
            return
        if self._proxy.tap_factory:
            raise TriggerError(f"the proxy {self._proxy.name!r} has a tap of its own")
        self._proxy.tap_factory = self._tap
        for link in self._proxy.links:
            link.attach(self._tap(link))

    def _tap(self, link: Link) -> _Watcher:
        return _Watcher(self, link)


class _Watcher:
    """The tap on one connection."""

    def __init__(self, watch: Watch, link: Link) -> None:
        self._watch = watch
        self._link = link
        self._gates = {direction: _Gate(link, direction) for direction in Direction}
        self._whole: Armed | None = None  # strikes every round trip of this connection
        self._strike: Armed | None = None  # strikes the present one
        self._trip: RoundTrip | None = None
        self._number = 0
        self._request_began = b""
        self._answered = True
        self._waiting: set[asyncio.Task[None]] = set()

    def opened(self) -> None:
        self._whole = self._watch.struck_connection(self._link.number)
        if self._whole and self._whole.trigger.action == "cut":
            self._link.reset()

    def received(self, direction: Direction, data: bytes) -> None:
        if direction is UPSTREAM:
            self._request(data)
        else:
            self._reply(data)

    def ended(self, direction: Direction) -> None:
        self._gates[direction].end()

    def closed(self) -> None:
        for task in self._waiting:
            task.cancel()

    def _request(self, data: bytes) -> None:
        if self._answered:
            self._begin(data)
        trip, action = self._trip, self._action()
        assert trip
        trip.request_bytes += len(data)
        if action == "cut" or (action == "lose_request" and self._resets()):
            self._link.reset()
        elif action != "lose_request":
            self._gates[UPSTREAM].let(data)

    def _begin(self, request: bytes) -> None:
        self._answered = False
        self._number += 1
        connection = self._link.number
        self._request_began = request
        struck = self._watch.struck_request(connection, self._number, request)
        self._strike = struck or self._whole
        self._trip = self._watch.began(connection, self._number)
        if self._strike:
            self._trip.struck = self._strike.trigger.name
            self._delay("request", UPSTREAM)

    def _reply(self, data: bytes) -> None:
        if self._trip and not self._answered and not self._strike:
            self._strike = self._watch.struck_reply(
                self._link.number, self._number, self._request_began, data
            )
            if self._strike:
                self._trip.struck = self._strike.trigger.name
        trip, action = self._trip, self._action()
        if trip:
            trip.last_s = self._watch.now()
            trip.reply_bytes += len(data)
            if not self._answered:
                trip.answered_s = trip.last_s
        if not self._answered:
            self._answered = True
            self._delay("reply", DOWNSTREAM)
            if action == "callback":
                self._call_back()
        if action == "lose_reply":
            if self._resets():
                self._link.reset()
            return
        self._gates[DOWNSTREAM].let(data)

    def _action(self) -> str:
        return self._strike.trigger.action if self._strike else ""

    def _resets(self) -> bool:
        return self._strike is not None and self._strike.trigger.then_reset

    def _delay(self, side: str, direction: Direction) -> None:
        if self._strike and self._action() == "delay" and self._strike.trigger.side == side:
            gate = self._gates[direction]
            gate.shut()
            asyncio.get_running_loop().call_later(self._strike.trigger.delay_s, gate.open)

    def _call_back(self) -> None:
        assert self._strike and self._strike.callback
        strike = Strike(self._strike.trigger, self._link.number, self._number)
        result = self._strike.callback(strike)
        if result is None:
            return
        gate = self._gates[DOWNSTREAM]
        gate.shut()
        waiting = asyncio.wrap_future(result) if isinstance(result, Future) else result
        task = asyncio.get_running_loop().create_task(_until(waiting))
        self._waiting.add(task)
        task.add_done_callback(self._called_back)

    def _called_back(self, task: asyncio.Task[None]) -> None:
        self._waiting.discard(task)
        if not task.cancelled() and (error := task.exception()):
            message = "a trigger's callback failed; its connection is closed"
            asyncio.get_running_loop().call_exception_handler(
                {"message": message, "exception": error}
            )
            self._link.close()
        self._gates[DOWNSTREAM].open()


class _Gate:
    """Passes on what it is given, or, while it is shut, keeps it in order."""

    def __init__(self, link: Link, direction: Direction) -> None:
        self._link, self._direction = link, direction
        self._kept: list[bytes] = []
        self._ended = False
        self._shut = 0

    def let(self, data: bytes) -> None:
        if self._shut:
            self._kept.append(data)
        else:
            self._link.forward(self._direction, data)

    def end(self) -> None:
        self._ended = True
        if not self._shut:
            self._link.end(self._direction)

    def shut(self) -> None:
        self._shut += 1
        self._link.pause(self._direction)

    def open(self) -> None:
        self._shut -= 1
        if self._shut:
            return
        kept, self._kept = self._kept, []
        for data in kept:
            self._link.forward(self._direction, data)
        if self._ended:
            self._link.end(self._direction)
        self._link.resume(self._direction)


async def _until(waiting: Any) -> None:
    await waiting


def _strike(met: list[Armed]) -> Armed | None:
    if not met:
        return None
    met[0].struck += 1
    return met[0]
