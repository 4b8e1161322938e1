"""Single round trips are lost, delayed, delivered twice or reset."""

from __future__ import annotations

from typing import ClassVar

from ..units import seconds
from .fault import CallFault, Strike
from .fields import How, NetEffect, NthTrip, OnCall, Span, Times

CAPTIONS: dict[NetEffect, str] = {
    "lose_request": "request lost",
    "lose_reply": "reply lost",
    "delay": "held up",
    "duplicate": "sent twice",
    "reset": "reset",
}


class NetFault(CallFault, frozen=True, tag="net"):
    """The ``nth`` round trip of kind ``call`` (counted over all nodes, from 1) meets ``how``.

    ``delay_s`` is for how=delay; ``times`` round trips in a row are struck.
    """

    call: OnCall
    nth: NthTrip
    how: How
    delay_s: Span = 0.0
    times: Times = 1

    label: ClassVar[str] = "call fault"
    short: ClassVar[str] = "call struck"

    @property
    def kind(self) -> str:
        return f"{self.call} {self.how.replace('_', ' ')}"

    @property
    def caption(self) -> str:
        return CAPTIONS[self.how]

    def sentence(self, strike: Strike) -> str:
        match self.how:
            case "lose_request":
                return f"the {self.call} was lost on its way to the queue"
            case "lose_reply":
                return f"the queue's reply to the {self.call} was lost"
            case "delay":
                return f"the {self.call} was held up for {seconds(self.delay_s)}"
            case "duplicate":
                return f"the {self.call} reached the queue twice"
            case "reset":
                return f"the connection was reset during the {self.call}"
