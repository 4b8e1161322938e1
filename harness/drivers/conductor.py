"""The conductor: which fault begins and heals when, whom it strikes, and when a run is over.

One text for all drivers. A driver is a :class:`Stage`: it knows who holds a job, writes strikes
down, and gives each fault a world to act upon.

A run is over when every job is. The queue's counts alone do not say so: a queue that counts no job
is asked about each one, and while it says that one is ready or leased it contradicts itself, and
the run goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Literal, NamedTuple, Protocol

from ...backends.claims import Claims
from ...protocol.commands import HELD, Command, Inspect, Inspected, Measure, Measured, Reply, State
from ...protocol.events import Phase
from ..faults import LinkFault, TimedFault
from ..faults.world import World
from ..plan.plan import Plan

QUIET_POLL_S = 0.05
LEAST_PATIENCE_S = 5.0
SURE_AFTER_S = 1.0
SLACK_S = 60.0  # what came back is run, too


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

    def ask(self, command: Command) -> Reply | None:
        """Ask the queue, past all faults."""


class Conductor:
    """Conducts one run of ``plan`` on a stage, for a queue that makes these claims.

    ``contradicted`` are the jobs that the queue, when it was last asked, held and did not count.
    """

    def __init__(self, plan: Plan, stage: Stage, claims: Claims) -> None:
        self._plan = plan
        self._stage = stage
        self._planned_s = plan.deadline_s + lived_twice_s(plan, claims)
        self._moved_s = 0.0
        self._unsettled = list(range(len(plan.jobs)))
        self._patient_until_s = inf
        self._due_s: float | None = None
        self._in_vain = False
        self.contradicted: dict[int, tuple[State, int]] = {}

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

    def moved(self, at_s: float) -> None:
        """Something of the workers moved at that time of the run."""
        self._moved_s = at_s

    @property
    def _deadline_s(self) -> float:
        """As planned, or later: what a death leaves behind may come back so much later, and whoever
        runs it may die again.
        """
        recovery_s = self._plan.recovery_s
        faults = [f for f in self._plan.faults if f.ends_worker or f.on_network]
        deaths = sum(fault.planned for fault in faults)
        longest_s = self._planned_s + recovery_s * deaths
        return max(self._planned_s, min(self._moved_s + recovery_s + SLACK_S, longest_s))

    def late(self, now_s: float) -> bool:
        """Whether the run has used up its time, or a queue that contradicts itself its patience."""
        return now_s >= min(self._deadline_s, self._patient_until_s)

    def quiet(self, now_s: float) -> bool:
        """Whether everything is settled; to be asked when the faults are over."""
        held = self._held_and_not_counted()
        if self._due_s is not None and now_s + self._due_s > self._deadline_s:
            # All that is left comes too late, unless somebody is about to begin it.
            self._patient_until_s = min(self._patient_until_s, now_s + SURE_AFTER_S)
            self._in_vain = True
            return False
        if self._in_vain:
            self._patient_until_s, self._in_vain = inf, False
        if held and held == self.contradicted:
            return False
        # Whatever moves gets its time anew.
        self._patient_until_s = now_s + patience_s(self._plan) if held else inf
        self.contradicted = held or {}
        return held == {}

    def _held_and_not_counted(self) -> dict[int, tuple[State, int]] | None:
        """What the queue says of the jobs that it holds; None while it has a reason to hold any."""
        if self._stage.clients_at_work() or self._stage.workers_at_work():
            self._due_s = None
            return None
        measured = self._stage.ask(Measure())
        self._due_s = measured.due_s if isinstance(measured, Measured) else None
        if not isinstance(measured, Measured) or pending(measured):
            return None
        held: dict[int, tuple[State, int]] = {}
        for job in self._unsettled:
            reply = self._stage.ask(Inspect(self._plan.job_id(job)))
            if reply is None:
                return None  # no word is no proof
            if isinstance(reply, Inspected) and reply.state in HELD:
                held[job] = (reply.state, reply.deliveries)
        self._unsettled = list(held)  # what is done or dead stays so: all clients have gone
        return held


def lived_twice_s(plan: Plan, claims: Claims) -> float:
    """How much longer a run may take where the queue goes by a wall clock and says so.

    Of a clock that is put back it lives some time twice, with every lease that ends in it.
    """
    if claims.steady_time:
        return 0.0
    return sum(abs(fault.skew_s) for fault in plan.faults)


def patience_s(plan: Plan) -> float:
    """How long a queue may hold jobs that it does not count before the run gives it up.

    Nobody is at work then, so a job that will come at all comes when its lease, its backoff and
    its delay are over.
    """
    longest_delay_s = max((job.delay_s for job in plan.jobs), default=0.0)
    return 2.0 * (plan.lease_s + plan.retry.cap_s + longest_delay_s) + LEAST_PATIENCE_S


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
    return sum(depth.count for depth in measured.depths if depth.state in HELD)
