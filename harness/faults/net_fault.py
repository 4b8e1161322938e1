"""Single round trips are lost, delayed, delivered twice or reset."""

from __future__ import annotations

from random import Random
from typing import ClassVar, get_args

from ..units import seconds
from .drawing import Sketch
from .fault import CallFault, Drawer, Draws, Strike
from .fields import CALLS, Call, How, NetEffect, NthTrip, OnCall, Span, Times

CAPTIONS: dict[NetEffect, str] = {
    "lose_request": "request lost",
    "lose_reply": "reply lost",
    "delay": "held up",
    "duplicate": "sent twice",
    "reset": "reset",
}
FREQUENT: tuple[Call, ...] = ("enqueue", "lease", "ack") * 3 + CALLS
BEFORE_WORK: tuple[Call, ...] = ("lease", "enqueue")


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
    rank: ClassVar[int] = 4

    @property
    def kind(self) -> str:
        return f"{self.call} {self.how.replace('_', ' ')}"

    @property
    def caption(self) -> str:
        return CAPTIONS[self.how]

    @classmethod
    def draws(cls) -> Draws:
        return {how.replace("_", " "): _drawer(how, FREQUENT) for how in get_args(NetEffect)}

    @classmethod
    def harmless_draws(cls) -> Draws:
        hows: tuple[NetEffect, ...] = ("lose_request", "lose_reply", "duplicate")
        return {
            f"{how.replace('_', ' ')} of lease or enqueue": _drawer(how, BEFORE_WORK)
            for how in hows
        }

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


def _drawer(how: NetEffect, calls: tuple[Call, ...]) -> Drawer:
    def draw(rng: Random, sketch: Sketch) -> NetFault:
        call = rng.choice(calls)
        nth = 1 + min(int(rng.expovariate(0.5)), 2 * sketch.jobs)
        delay_s = 0.0
        if how == "delay":
            delay_s = round(sketch.call_timeout_s * 2 ** rng.uniform(-2.0, 3.5), 3)
        times = 1 if how == "duplicate" else rng.choice((1, 1, 1, 2, 6))
        return NetFault(call, nth, how, delay_s, times)

    return draw
