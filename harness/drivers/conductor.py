"""The conductor: which fault begins and heals when, whom it strikes, and when a run is over.

One text for all drivers. A driver is a :class:`Stage`: it knows who holds a job, writes strikes
down, and gives each fault a world to act upon.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from ...protocol.commands import Measure, Measured, Reply
from ...protocol.events import Phase
from ..faults import LinkFault, TimedFault
from ..faults.world import World
from ..plan.plan import Plan

QUIET_POLL_S = 0.05


class Due(NamedTuple):
    """A timed fault, by its number in the plan, begins or heals at ``at_s`` of the run."""

    at_s: float
    number: int
    what: Literal["begins", "heals"]
    fault: TimedFault


class Holding(NamedTuple):
    """A worker and one job in its hands, and how far that has come; ``job`` -1: not the plan's."""

    node: int
    incarnation: int
    job: int
    phase: Phase
    holds: bool


class Stage(Protocol):
    """What the conductor needs of a driver."""

    def world(self, number: int, fault: TimedFault) -> World:
        """The powers over the run, for this fault."""

    def holdings(self) -> Sequence[Holding]:
        """Every worker with every job that it holds just now; idle workers, too."""

    def strike(self, number: int, holding: Holding, length_s: float) -> None:
        """Write down that the fault has struck this worker and its job."""

    def strike_waiting(self, number: int, length_s: float) -> None:
        """Write down that the fault has struck whoever waits to be leased."""

    def clients_at_work(self) -> bool:
        """Whether a producer or an operator has still something to do."""

    def workers_at_work(self) -> bool:
        """Whether a worker holds a job, or something is still to be done to one."""

    def ask(self, command: Measure) -> Reply | None:
        """Ask the queue, past all faults."""


class Conductor:
    """Conducts one run of ``plan`` on a stage."""

    def __init__(self, plan: Plan, stage: Stage) -> None:
        self._plan = plan
        self._stage = stage

    def begin(self, number: int, fault: TimedFault) -> None:
        """The fault begins: who holds a job is struck where it stands, if it is reached."""
        stage = self._stage
        struck = [h for h in stage.holdings() if fault.strikes(h.node, h.holds)]
        if not fault.begin(stage.world(number, fault)):
            return  # the run will say that nothing was struck
        for holding in struck:
            stage.strike(number, holding, fault.lasts_s)
        if fault.strikes_waiting:
            stage.strike_waiting(number, fault.lasts_s)

    def heal(self, number: int, fault: TimedFault) -> None:
        """The fault is over."""
        fault.heal(self._stage.world(number, fault))

    def late(self, now_s: float) -> bool:
        """Whether the run has used up its time."""
        return now_s >= self._plan.deadline_s

    def quiet(self) -> bool:
        """Whether everything is settled; to be asked when the faults are over."""
        if self._stage.clients_at_work() or self._stage.workers_at_work():
            return False
        measured = self._stage.ask(Measure())
        return isinstance(measured, Measured) and not pending(measured)


def agenda(plan: Plan) -> list[Due]:
    """What begins and heals at which time of the run, in order; of faults at the same time
    those of the network come last."""
    dues = []
    for number, fault in enumerate(plan.faults):
        if isinstance(fault, TimedFault):
            dues.append(Due(fault.at_s, number, "begins", fault))
            if fault.heals_at_s is not None:
                dues.append(Due(fault.heals_at_s, number, "heals", fault))
    return sorted(dues, key=lambda due: (due.at_s, isinstance(due.fault, LinkFault), due.number))


def pending(measured: Measured) -> int:
    """How many jobs are ready or leased."""
    return sum(depth.count for depth in measured.depths if depth.state in ("ready", "leased"))
