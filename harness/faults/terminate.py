"""Workers are told to stop, as a deploy does it, and killed if they do not go."""

from __future__ import annotations

from typing import ClassVar

from .fault import Strike, TimedFault
from .fields import Span, When, Workers
from .world import World


class Terminate(TimedFault, frozen=True, tag="terminate"):
    """At ``at_s`` these workers get SIGTERM; who is not gone ``within_s`` later, SIGKILL."""

    workers: Workers
    at_s: When
    within_s: Span

    label: ClassVar[str] = "worker told to stop"
    short: ClassVar[str] = "told to stop"
    rank: ClassVar[int] = 10

    @property
    def nodes(self) -> tuple[int, ...]:
        return self.workers

    @property
    def over_at_s(self) -> float:
        return self.at_s + self.within_s

    def begin(self, world: World) -> bool:
        for worker in self.workers:
            world.stop(worker, self.within_s)
        return True

    def sentence(self, strike: Strike) -> str:
        return f"{strike.who} was told to stop {strike.when}"
