"""A worker is killed at some time, whatever it does just then."""

from __future__ import annotations

from random import Random
from typing import ClassVar

from .drawing import Sketch, moment_s, span_s
from .fault import Draws, Strike, TimedFault
from .fields import FOR_EVER_S, Away, When, Worker, healing_s
from .world import World


class KillWorker(TimedFault, frozen=True, tag="kill_worker"):
    """At ``at_s`` worker number ``worker`` and all its children are killed, wherever they are.

    It is started again ``for_s`` seconds later; None: after the plan's ``restart_s``.
    """

    worker: Worker
    at_s: When
    for_s: Away = None

    label: ClassVar[str] = "worker kill"
    short: ClassVar[str] = "killed"
    rank: ClassVar[int] = 3
    ends_worker: ClassVar[bool] = True

    @property
    def nodes(self) -> tuple[int]:
        return (self.worker,)

    @property
    def lasts_s(self) -> float:
        return self.for_s or 0.0

    @property
    def over_at_s(self) -> float:
        return self.at_s + healing_s(self.lasts_s)

    @property
    def gone_for_ever(self) -> frozenset[int]:
        return frozenset({self.worker} if self.lasts_s >= FOR_EVER_S else ())

    def begin(self, world: World) -> bool:
        world.kill(self.worker, self.for_s)
        return True

    @classmethod
    def draw(cls, rng: Random, sketch: Sketch) -> KillWorker:
        back_s = rng.choice((None, None, span_s(rng, sketch)))
        return cls(rng.randrange(sketch.workers), moment_s(rng, sketch), back_s)

    @classmethod
    def for_ever_draws(cls) -> Draws:
        def never_returns(rng: Random, sketch: Sketch) -> KillWorker:
            return cls(rng.randrange(sketch.workers), moment_s(rng, sketch), FOR_EVER_S)

        return {"a worker never returns": never_returns}

    def sentence(self, strike: Strike) -> str:
        return f"{strike.who} was killed {strike.when}"
