"""A worker is killed at some time, whatever it does just then."""

from __future__ import annotations

from typing import ClassVar

from .fault import Strike, TimedFault
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
    ends_worker: ClassVar[bool] = True

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

    def sentence(self, strike: Strike) -> str:
        return f"{strike.who} was killed {strike.when}"
