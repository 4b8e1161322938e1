"""Which fault strikes now: the bookkeeping that both drivers share.

Point faults are tied to a job and a fault point, network faults to the n-th round trip
of a kind of call. Nothing here carries a fault out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..protocol.events import Answer, Event, Phase, Row
from ..protocol.worker import Point
from .faults import CallFault, PointFault
from .plan.plan import Plan


class PointStrikes:
    """Faults at fault points. ``passing(fault, most)`` counts how often its job was there.

    From 1, this time included; beyond ``most`` it may stop to count and says 0. ``jobs`` are
    the ids of the jobs that have any fault. Counting is injected because in real processes
    the count must outlive the process that just died.
    """

    def __init__(self, plan: Plan, passing: Callable[[int, int], int]) -> None:
        self._passing = passing
        self._at: dict[tuple[int, Point], list[tuple[int, PointFault]]] = {}
        for number, fault in enumerate(plan.faults):
            if isinstance(fault, PointFault):
                self._at.setdefault((fault.job, fault.point), []).append((number, fault))
        self.jobs = frozenset(plan.job_id(job) for job, _ in self._at)

    def at(self, job: int, point: Point) -> list[tuple[int, PointFault]]:
        """The faults that strike this job at this point now, pauses before kills."""
        waiting = self._at.get((job, point))
        if not waiting:
            return []
        struck = [
            (number, fault)
            for number, fault in waiting
            if self._passing(number, fault.last) >= fault.nth
        ]
        return sorted(struck, key=lambda pair: pair[1].ends_worker)


class CallStrikes:
    """Faults on calls: counts the round trips of each kind and says which is struck."""

    def __init__(self, plan: Plan) -> None:
        self._seen: dict[str, int] = {}
        self._faults: dict[str, list[tuple[int, CallFault]]] = {}
        for number, fault in enumerate(plan.faults):
            if isinstance(fault, CallFault):
                # A lost lease reply matters only if it carried a job: count those.
                granted = (fault.call, fault.how) == ("lease", "lose_reply")
                counted = "granted" if granted else fault.call
                self._seen[counted] = 0
                self._faults.setdefault(counted, []).append((number, fault))

    def next(self, call: str) -> tuple[int, CallFault] | None:
        """Count one more round trip of this kind; the fault that strikes it, if one does.

        ``granted`` counts the lease replies that carry a job.
        """
        if call not in self._seen:
            return None
        seen = self._seen[call] = self._seen[call] + 1
        for strike in self._faults[call]:
            fault = strike[1]
            if fault.nth <= seen < fault.nth + fault.times:
                return strike
        return None


def call_phase(call: str, request_arrived: bool) -> Phase:
    """The phase of the job that a network fault on this call strikes."""
    if call == "enqueue":
        return Phase.BEFORE_LEASE
    if call == "lease":
        return Phase.LEASED if request_arrived else Phase.BEFORE_LEASE
    if call == "ack":
        return Phase.ACKED if request_arrived else Phase.AFTER_EFFECT
    return Phase.RUNNING


def phase_of(rows: Sequence[Row], node: int, job: int) -> Phase:
    """The phase of the job that ``node`` holds, from the newest rows of the ledger."""
    if job < 0:
        return Phase.IDLE
    for row in reversed(rows):
        if row.node == node and row.job == job:
            if row.event == Event.LEASED:
                return Phase.LEASED
            if row.event == Event.STARTED:
                return Phase.RUNNING
            if row.event in (Event.EFFECT, Event.RETURNED, Event.ACK_SENT):
                return Phase.AFTER_EFFECT
            if row.event == Event.ACK_ANSWERED:
                return Phase.ACKED if row.answer == Answer.OK else Phase.AFTER_EFFECT
    return Phase.LEASED
