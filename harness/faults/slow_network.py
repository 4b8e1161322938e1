"""Every message takes longer for a while, perhaps too long for its caller."""

from __future__ import annotations

from random import Random
from typing import ClassVar

from ..units import seconds
from .drawing import Sketch, moment_s, span_s
from .fault import LinkFault, Strike
from .fields import Span, When
from .world import Link


class SlowNetwork(LinkFault, frozen=True, tag="slow_network"):
    """From ``at_s`` for ``for_s`` seconds every message takes ``latency_s`` longer, each way."""

    at_s: When
    for_s: Span
    latency_s: Span

    label: ClassVar[str] = "slow network"
    short: ClassVar[str] = "network slow"
    rank: ClassVar[int] = 7

    def link(self, node: int) -> Link | None:
        return Link(passes=True, later_s=self.latency_s)

    @classmethod
    def draw(cls, rng: Random, sketch: Sketch) -> SlowNetwork:
        latency_s = round(sketch.call_timeout_s * rng.uniform(0.1, 1.2), 3)
        return cls(moment_s(rng, sketch), span_s(rng, sketch), latency_s)

    def sentence(self, strike: Strike) -> str:
        more_s = seconds(self.latency_s)
        return f"the network became slow, {more_s} more each way, {strike.when}"
