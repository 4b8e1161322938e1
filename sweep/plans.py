"""The plans of a sweep: the clean run, and one for each cell.

In a cell a second job comes when the first has been struck: whoever stands still after a fault
shows it there. Where a producer is struck, another one sends it.
"""

from __future__ import annotations

from ..harness.faults import Fault
from ..harness.faults.fault import TripFault
from ..harness.plan.plan import Plan, PlannedJob, Pool, Queue

IDLE_S = 60.0  # of the clean run, before its job and after it
BEGINS_S = 1.0  # of a cell: the job that is struck
LATER_S = 20.0  # the one behind it
DRAINS_S = 60.0
REAL_PATIENCE_S = 30.0  # for what comes back by itself, in real time
NEVER_GIVES_UP = 1_000_000
GUARANTEES = ("no_lost_work", "progress_after_heal", "faults_hit")


def clean_plan(queue: str) -> Plan:
    """One job in the middle of nothing."""
    return _plan("clean", queue, (IDLE_S,), (), 0.0, 2 * IDLE_S + DRAINS_S, 1)


def control_plan(queue: str) -> Plan:
    """Both jobs of a cell, and nothing is broken."""
    return _plan("control", queue, (BEGINS_S, LATER_S), (), 0.0, LATER_S + DRAINS_S, 1)


def cell_plan(
    queue: str, variant: str, fault: TripFault, recovery_s: float, waits_s: float
) -> Plan:
    """The job that is struck, and one behind it; waits ``waits_s`` for what comes back by itself.

    ``recovery_s`` is how long the library may need for that.
    """
    deadline_s = LATER_S + fault.lasts_s + waits_s + DRAINS_S
    producers = 2 if fault.side == "producer" else 1
    at_s = BEGINS_S, LATER_S
    return _plan(variant, queue, at_s, (fault,), recovery_s, deadline_s, producers)


def _plan(
    variant: str,
    queue: str,
    at_s: tuple[float, ...],
    faults: tuple[Fault, ...],
    lease_s: float,
    deadline_s: float,
    producers: int,
) -> Plan:
    return Plan(
        scenario="sweep",
        variant=variant,
        seed=0,
        queues=(Queue(queue),),
        pools=(Pool("all", (queue,), 1),),
        jobs=tuple(PlannedJob(at, 0, 0.05) for at in at_s),
        faults=faults,
        guarantees=GUARANTEES if faults else GUARANTEES[:2],
        must_hit=tuple((fault.kind, "on the wire") for fault in faults),
        sink="keyed",
        lease_s=lease_s or 1.0,
        max_deliveries=NEVER_GIVES_UP,
        deadline_s=deadline_s,
        producers=producers,
    )
