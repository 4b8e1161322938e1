"""Kinds of fields that hold times: when a fault begins, how long it lasts, how far it jumps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isfinite
from random import Random
from typing import Any

from .drawing import Sketch, moment_s, span_s
from .kind import Kind

FOR_EVER_S = 1e9  # a fault that lasts so long never heals, and nobody waits for it
FAR_S = 30.0  # how far a clock may jump: beyond every lease


class Seconds(Kind):
    """A number of seconds that is not negative."""

    rounds_to_zero = False

    def wrong(self, value: float | None) -> str:
        good = value is not None and isfinite(value) and value >= 0
        return "" if good else "a number of seconds of at least 0"

    def drawn(self, rng: Random, sketch: Sketch) -> Any:
        return span_s(rng, sketch)

    def moved(self, rng: Random, value: Any, sketch: Sketch) -> Any:
        return round(value * 2 ** rng.uniform(-1, 1), 3) if value < FOR_EVER_S else value


class Moment(Seconds):
    """Seconds after the start of the run."""

    rounds_to_zero = True
    says_when = True

    def drawn(self, rng: Random, sketch: Sketch) -> float:
        return moment_s(rng, sketch)

    def moved(self, rng: Random, value: float, sketch: Sketch) -> float:
        return round(max(0.0, value + rng.choice((-0.3, -0.05, 0.05, 0.3))), 3)

    def shifted(self, value: float, moved: Callable[[float], float]) -> float:
        return moved(value)


class Absence(Seconds):
    """How long a worker stays away; None: as long as the plan says."""

    rank = 3

    def wrong(self, value: float | None) -> str:
        return "" if value is None else super().wrong(value)

    def drawn(self, rng: Random, sketch: Sketch) -> float | None:
        return rng.choice((None, None, span_s(rng, sketch)))

    def moved(self, rng: Random, value: float | None, sketch: Sketch) -> float | None:
        return self.drawn(rng, sketch)

    def narrower(self, value: float | None) -> Iterator[float | None]:
        if value not in (None, FOR_EVER_S):
            yield None


class Offset(Kind):
    """Seconds that may lead backwards."""

    def wrong(self, value: float) -> str:
        return "" if isfinite(value) else "a finite number of seconds"

    def drawn(self, rng: Random, sketch: Sketch) -> float:
        """Less or more than the lease."""
        return round(rng.choice((-1, 1)) * rng.choice((span_s(rng, sketch), FAR_S)), 3)

    def moved(self, rng: Random, value: float, sketch: Sketch) -> float:
        return self.drawn(rng, sketch)


def healing_s(lasts_s: float) -> float:
    """How long to wait for the end of what lasts so long: not at all, if it is for ever."""
    return lasts_s if lasts_s < FOR_EVER_S else 0.0
