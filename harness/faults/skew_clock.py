"""A wall clock is wrong for a while: it jumps when that begins and when it ends."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import ClassVar

from ..units import seconds
from .drawing import Sketch, moment_s, span_s
from .fault import LastingFault, Strike
from .fields import SERVER, Jump, Node, Span, When
from .world import World


class SkewClock(LastingFault, frozen=True, tag="skew_clock"):
    """From ``at_s`` for ``for_s`` seconds a worker's or ``SERVER``'s wall clock is off by ``by_s``.

    Negative is behind; several add up. In real time all processes share one clock: there it
    strikes nothing.
    """

    node: Node
    at_s: When
    by_s: Jump
    for_s: Span

    label: ClassVar[str] = "skewed clock"
    short: ClassVar[str] = "clock jumped"
    rank: ClassVar[int] = 11
    needs: ClassVar[str] = "clocks can be skewed in virtual and in leaping time only"

    @property
    def nodes(self) -> Sequence[int | None]:
        return (self.node,)

    @property
    def skew_s(self) -> float:
        return self.by_s

    def strikes(self, node: int, holding: bool) -> bool:
        return self.node == node or (self.node == SERVER and holding)

    @property
    def strikes_waiting(self) -> bool:
        return self.node == SERVER

    def begin(self, world: World) -> bool:
        return world.skew(self.node, self.by_s)

    def heal(self, world: World) -> None:
        world.skew(self.node, -self.by_s)

    @classmethod
    def draw(cls, rng: Random, sketch: Sketch) -> SkewClock:
        """A worker's clock or the server's, ahead or behind, by less or more than the lease."""
        node = SERVER if rng.random() < 0.4 else rng.randrange(sketch.workers)
        by_s = round(rng.choice((-1, 1)) * rng.choice((span_s(rng, sketch), 30.0)), 3)
        return cls(node, moment_s(rng, sketch), by_s, rng.choice((span_s(rng, sketch), 30.0)))

    def sentence(self, strike: Strike) -> str:
        whose = "the queue's server" if self.node == SERVER else strike.name(self.node)
        way = "ahead" if self.by_s > 0 else "back"
        jump_s, for_s = seconds(abs(self.by_s)), seconds(self.for_s)
        return f"the clock of {whose} jumped {jump_s} {way}, and was put right {for_s} later"
