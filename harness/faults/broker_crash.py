"""The queue's server dies without a word, and comes back."""

from __future__ import annotations

from random import Random
from typing import ClassVar

from ..units import seconds
from .drawing import Sketch, moment_s
from .fault import LinkFault, Strike
from .fields import Span, When
from .world import REFUSED, Link, World


class BrokerCrash(LinkFault, frozen=True, tag="broker_crash"):
    """At ``at_s`` the queue's server is killed; it is started again ``for_s`` seconds later."""

    at_s: When
    for_s: Span

    label: ClassVar[str] = "broker crash"
    short: ClassVar[str] = "server killed"
    rank: ClassVar[int] = 8
    strikes_server: ClassVar[bool] = True
    on_network: ClassVar[bool] = False

    def link(self, node: int) -> Link | None:
        return REFUSED

    def begin(self, world: World) -> bool:
        return world.crash_server()

    def heal(self, world: World) -> None:
        world.start_server()

    @classmethod
    def draw(cls, rng: Random, sketch: Sketch) -> BrokerCrash:
        return cls(moment_s(rng, sketch), round(rng.uniform(0.01, 0.6), 3))

    def sentence(self, strike: Strike) -> str:
        return f"the queue's server was killed, and back {seconds(self.for_s)} later"
