"""What is due next of the faults that have a time of their own, where workers keep their own pace.

How long jobs of somebody's own run, and how fast his workers take them, no plan knows. So a fault
that has to strike jobs in hand waits until there is one, and all that comes after it waits as long.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

from ...protocol.events import PHASES, Phase
from ..plan.plan import Plan
from .conductor import QUIET_POLL_S, Due, Holding, agenda

WITHIN_S = 10.0
IN_HAND = (Phase.LEASED, Phase.RUNNING, Phase.AFTER_EFFECT)


class Agenda:
    """Of ``plan``. ``patient``: whether a fault waits, ``WITHIN_S`` at most."""

    def __init__(self, plan: Plan, patient: bool) -> None:
        self._dues = agenda(plan)
        self._cells = plan.must_hit
        self._patient = patient
        self._later_s = 0.0
        self._look_at_s = 0.0

    def __bool__(self) -> bool:
        return bool(self._dues)

    @property
    def at_s(self) -> float:
        """When to ask again, in seconds of the run; infinite if nothing is left."""
        if not self._dues:
            return inf
        return max(self._dues[0].at_s + self._later_s, self._look_at_s)

    def take(self, now_s: float, holdings: Callable[[], Sequence[Holding]]) -> Due | None:
        """What is to be carried out now; None: nothing yet."""
        if not self._dues or now_s < self._dues[0].at_s + self._later_s:
            return None
        due = self._dues[0]
        if due.what == "begins" and (phases := self._to_strike(due)):
            late_s = now_s - due.at_s
            nodes = due.fault.nodes
            met = any(
                held.holds and held.phase in phases and (nodes == (None,) or held.node in nodes)
                for held in holdings()
            )
            if not met and late_s < self._later_s + WITHIN_S:
                self._look_at_s = now_s + QUIET_POLL_S
                return None
            self._later_s = late_s
        return self._dues.pop(0)

    def _to_strike(self, due: Due) -> set[Phase]:
        """In which phases somebody must hold a job when this begins."""
        if not self._patient or due.fault.strikes_later:
            return set()
        wanted = {phase for kind, phase in self._cells if kind == due.fault.kind}
        return {phase for phase in IN_HAND if PHASES[phase] in wanted}
