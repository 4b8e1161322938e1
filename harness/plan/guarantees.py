"""Which guarantees a plan may fairly ask for: those that a correct queue can always give.

A guarantee that only some queues, or only some schedules, can hold would make a broken promise
of bad luck. Decides from the plan alone; runs nothing, judges nothing.
"""

from __future__ import annotations

from ..faults.fault import Fault
from ..faults.flood import Flood
from ..faults.outage import Outage
from ..record.node_record import NEVER_BACK
from .plan import Plan

# What any schedule of jobs and faults must leave standing.
ALWAYS = (
    "no_lost_work",
    "no_duplicated_effects",
    "no_phantoms",
    "bounded_deliveries",
    "leases_exclusive",
    "progress_after_heal",
)


def fair(plan: Plan) -> tuple[str, ...]:
    """The guarantees that a correct queue holds on this plan, whatever the network does.

    Its own guarantees count for nothing. ``faults_hit`` is among them if it names cells.
    """
    behaviours = {job.behaviour for job in plan.jobs}
    found = list(ALWAYS)
    if "permanent" in behaviours:
        found.append("permanent_failures")
        if all(map(_leaves_reasons_alone, plan.faults)):
            found.append("dead_letters_explained")
    if "fail" in behaviours and plan.retry.jitter in ("equal", "none") and plan.max_deliveries > 1:
        found.append("backoff_respected")
    if behaviours & {*NEVER_BACK}:
        found.append("timeouts_enforced")
    if any(queue.bound_s is not None for queue in plan.queues):
        found.insert(0, "no_starvation")
    if plan.must_hit:
        found.append("faults_hit")
    return tuple(found)


def _leaves_reasons_alone(fault: Fault) -> bool:
    """Whether a job under this fault dies of its own error if at all, and not of a crash."""
    return isinstance(fault, Flood | Outage)
