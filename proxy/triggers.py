"""Faults that are tied to a round trip, and the counting that says when one strikes.

A round trip is what a client sends until the server answers, and that answer; no protocol
needs to be known. This is what Toxiproxy cannot do: "fail the first two requests, then
recover", "lose the third reply". Data and counting only; ``watch`` carries them out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec

Action = Literal["cut", "lose_request", "lose_reply", "delay", "callback"]
Counted = Literal["trips_of_connection", "trips_of_proxy", "connections"]
FromOne = Annotated[int, msgspec.Meta(ge=1)]


class Trigger(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is done, and to which round trips.

    ``action``:
      ``cut``: the connection is reset before the request is forwarded.
      ``lose_request``: the request is swallowed; whatever follows it is, too, for as long as
      nothing is answered.
      ``lose_reply``: the request is forwarded, its answer is swallowed.
      ``delay``: the answer, or with ``side`` "request" the request, waits ``delay_s`` seconds.
      ``callback`` (Python only): when the answer begins to come, the function that was given
      is called; the answer passes when it, or the future it returned, is done.

    ``counts``: "trips_of_connection", the round trips of each connection, numbered from 1 as
    the recorder lists them; "trips_of_proxy", those of all connections together, from the
    moment the trigger was set; "connections", the connections that are opened from then on.
    A connection that is struck is cut at once, or has every one of its round trips struck.

    ``request_has`` and ``reply_has``: only round trips with this text in the bytes that the
    request, or its answer, begins with are counted and struck (default: all). They go with
    "trips_of_proxy"; an answer is known too late for ``cut``, ``lose_request`` and the delay of
    a request.

    ``nth`` to ``through`` (default: the same) are struck, ``limit`` of them at most (default:
    all), on connection number ``connection`` only (default: any). ``then_reset``: after
    losing something, reset the connection instead of leaving the client to wait.
    """

    action: Action
    name: str = ""
    counts: Counted = "trips_of_connection"
    nth: FromOne = 1
    through: FromOne | None = None
    limit: FromOne | None = None
    connection: FromOne | None = None
    delay_s: Annotated[float, msgspec.Meta(ge=0, le=1e6)] = 0.0
    side: Literal["request", "reply"] = "reply"
    then_reset: bool = False
    request_has: str = ""
    reply_has: str = ""

    @property
    def on_reply(self) -> bool:
        """Whether what it does waits for the answer."""
        late = self.action == "delay" and self.side == "reply"
        return late or self.action in ("lose_reply", "callback")


@dataclass(frozen=True)
class Strike:
    """The round trip that a trigger has met; what a callback is given."""

    trigger: Trigger
    connection: int
    trip: int


Callback = Callable[[Strike], Awaitable[Any] | Future[Any] | None]


class Armed:
    """A trigger that is set. ``struck``: how often it has struck."""

    def __init__(self, trigger: Trigger, callback: Callback | None = None) -> None:
        self.trigger = trigger
        self.callback = callback
        self.struck = 0
        self._counted = 0

    def meets_trip(self, connection: int, number: int, request: bytes, reply: bytes) -> bool:
        """Count that round trip, if it has what it must have; whether it is one to strike."""
        if not (_has(request, self.trigger.request_has) and _has(reply, self.trigger.reply_has)):
            return False
        match self.trigger.counts:
            case "connections":
                return False
            case "trips_of_proxy":
                self._counted += 1
                return self._chosen(connection, self._counted)
            case "trips_of_connection":
                return self._chosen(connection, number)

    def meets_connection(self, connection: int) -> bool:
        """Count that connection, which has just been opened; whether it is one to strike."""
        if self.trigger.counts != "connections":
            return False
        self._counted += 1
        return self._chosen(connection, self._counted)

    def _chosen(self, connection: int, number: int) -> bool:
        trigger = self.trigger
        spent = trigger.limit is not None and self.struck >= trigger.limit
        elsewhere = trigger.connection not in (None, connection)
        return not spent and not elsewhere and trigger.nth <= number <= _last(trigger)


def _has(data: bytes, text: str) -> bool:
    return not text or text.encode() in data


def _last(trigger: Trigger) -> int:
    return trigger.through if trigger.through is not None else trigger.nth
