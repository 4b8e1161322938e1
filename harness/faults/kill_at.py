"""A worker dies by SIGKILL at a point of a job's life."""

from __future__ import annotations

from random import Random
from typing import ClassVar

from ...protocol.worker import POINTS, Point
from .drawing import Sketch
from .fault import Draws, PointFault, Strike
from .fields import At, JobIndex, Nth, Times
from .numbers import Ordinal

EARLY = POINTS[: POINTS.index("before_effect") + 1]  # a death here repeats no effect


class KillAt(PointFault, frozen=True, tag="kill_at"):
    """The worker kills itself with SIGKILL at ``point``, ``times`` times in a row.

    The first to die is the one that brings the job there for the ``nth`` time.
    """

    job: JobIndex
    point: At
    times: Times = 1
    nth: Nth = 1

    label: ClassVar[str] = "worker kill"
    short: ClassVar[str] = "killed"
    rank: ClassVar[int] = 1
    ends_worker: ClassVar[bool] = True

    @classmethod
    def draw(cls, rng: Random, sketch: Sketch) -> KillAt:
        times = rng.choice((1, 1, 1, 2, 5))
        return _killed(rng, sketch, POINTS, times)

    @classmethod
    def harmless_draws(cls) -> Draws:
        return {"kill before the effect": lambda rng, sketch: _killed(rng, sketch, EARLY, 1)}

    def sentence(self, strike: Strike) -> str:
        return f"{strike.who} was killed {strike.when}"


def _killed(rng: Random, sketch: Sketch, points: tuple[Point, ...], times: int) -> KillAt:
    job = rng.randrange(sketch.jobs)
    return KillAt(job, rng.choice(points), times, Ordinal().drawn(rng, sketch))
