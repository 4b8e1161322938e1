"""Which guarantees a plan may fairly ask for: those that a correct queue can always give.

A guarantee that only some queues, or only some schedules, can hold would make a broken promise
of bad luck. Decides from the plan alone; runs nothing, judges nothing.
"""

from __future__ import annotations

from .plan import NEVER_BACK, Plan

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
        if all(fault.leaves_reasons_alone for fault in plan.faults):
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
