"""Every node's wall clock in virtual time: what the plan's skews make of it.

The true time is the simulation's. A wall clock stands beside it by the sum of the skews that
last at that moment, so it jumps when one begins and when it ends. Nothing here strikes a job;
only who reads the wrong clock suffers.
"""

from __future__ import annotations

from ...protocol.clock import Clock as Clocks
from ..faults.fault import LastingFault
from ..faults.fields import SERVER
from ..plan.plan import Plan
from .clock import Clock


class WallClocks:
    """The clocks of the server and of all nodes; ``calling`` is the node whose call is served."""

    def __init__(self, clock: Clock, plan: Plan) -> None:
        self._clock = clock
        self._skews = [
            fault for fault in plan.faults if isinstance(fault, LastingFault) and fault.skew_s
        ]
        self.calling = SERVER

    def read(self, node: int) -> float:
        """What the wall clock of that node shows, in seconds."""
        return self._clock.now + self.ahead_s(node)

    def ahead_s(self, node: int) -> float:
        """How far the wall clock of that node is ahead of the true time."""
        if not self._skews:
            return 0.0
        now = self._clock.now
        return sum(skew.skew_s for skew in self._skews if node in skew.nodes and skew.active(now))

    def of_queue(self) -> Clocks:
        """What the queue can read."""
        return Clocks(
            monotonic=lambda: self._clock.now,
            wall=lambda: self.read(SERVER),
            caller=lambda: self.read(self.calling),
        )
