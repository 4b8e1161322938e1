"""A worker dies, and its successor comes at once under the same name.

So does a StatefulSet, a unit of systemd, a worker that is called after its machine. Whoever keeps
a register of workers by their names takes the successor for the dead one, or refuses it for as long
as the dead one counts as alive.
"""

from __future__ import annotations

from typing import ClassVar

from .fault import Draws, Strike, TimedFault
from .fields import When, Worker
from .world import World


class ReplaceWorker(TimedFault, frozen=True, tag="replace_worker"):
    """At ``at_s`` worker number ``worker`` and all its children are killed; another has its
    name.
    """

    worker: Worker
    at_s: When

    label: ClassVar[str] = "worker replaced"
    short: ClassVar[str] = "replaced"
    ends_worker: ClassVar[bool] = True
    keeps_name: ClassVar[bool] = True

    @property
    def nodes(self) -> tuple[int]:
        return (self.worker,)

    @property
    def over_at_s(self) -> float:
        return self.at_s

    def begin(self, world: World) -> bool:
        world.kill(self.worker, 0.0)
        return True

    @classmethod
    def draws(cls) -> Draws:
        return {}  # jobquake's own workers always come back under their numbers: KillWorker

    def sentence(self, strike: Strike) -> str:
        return f"{strike.who} was killed {strike.when}, and started anew under its name"
