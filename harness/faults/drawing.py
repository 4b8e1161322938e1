"""What exploration knows of a plan when it draws a fault, and times at which something happens.

Nobody asks whether a drawn fault will hit: whatever strikes nothing costs nothing.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple


class Sketch(NamedTuple):
    """What a fault needs to know of its plan. ``moments_s`` are times at which things happen."""

    jobs: int
    workers: int
    lease_s: float
    call_timeout_s: float
    moments_s: tuple[float, ...]


def moment_s(rng: Random, sketch: Sketch) -> float:
    """A time near one at which something happens, since faults between events hit nothing."""
    return round(max(0.0, rng.choice(sketch.moments_s) + rng.uniform(-0.05, 0.3)), 3)


def span_s(rng: Random, sketch: Sketch) -> float:
    """How long something lasts: from well below the lease to well beyond it."""
    return round(sketch.lease_s * 2 ** rng.uniform(-2.0, 1.7), 3)
