"""Some workers and the queue cannot reach each other; the others can."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import ClassVar

from ..units import seconds
from .drawing import Sketch, moment_s
from .fault import Draws, LinkFault, Strike
from .fields import FOR_EVER_S, Span, When, Workers
from .world import CUT, Link


class Partition(LinkFault, frozen=True, tag="partition"):
    """From ``at_s`` for ``for_s`` seconds these workers and the queue cannot reach each other."""

    workers: Workers
    at_s: When
    for_s: Span

    label: ClassVar[str] = "partition"
    short: ClassVar[str] = "cut off"
    rank: ClassVar[int] = 6

    @property
    def nodes(self) -> Sequence[int | None]:
        return self.workers

    @property
    def gone_for_ever(self) -> frozenset[int]:
        return frozenset(self.workers if self.for_s >= FOR_EVER_S else ())

    def link(self, node: int) -> Link | None:
        return CUT if node in self.workers else None

    @classmethod
    def for_ever_draws(cls) -> Draws:
        def stays_cut(rng: Random, sketch: Sketch) -> Partition:
            return cls((rng.randrange(sketch.workers),), moment_s(rng, sketch), FOR_EVER_S)

        return {"a link stays cut": stays_cut}

    def sentence(self, strike: Strike) -> str:
        return f"{strike.who} was cut off from the queue for {seconds(self.for_s)} {strike.when}"
