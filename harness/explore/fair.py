"""What makes a plan fair: nobody is asked for what no queue can do, and there is time for it.

Decides from the plan alone; draws nothing and runs nothing.
"""

from __future__ import annotations

from msgspec.structs import replace

from ..faults.drawing import Sketch
from ..faults.fault import CallFault, PointFault
from ..faults.fields import SERVER
from ..faults.kill_at import KillAt
from ..plan.plan import NEVER_BACK, Plan, PlannedJob

DEADLINE_S = 30.0  # and time for all the work that there may be


def made_fair(plan: Plan) -> Plan:
    """The plan without faults that no queue could get over.

    What takes the last worker of a pool for ever leaves nobody to go on. A server that starts
    anew when its clock has come ahead cannot tell that from a long rest, and ends leases early.
    """
    pools = plan.workers
    crashes = any(fault.strikes_server for fault in plan.faults)
    gone: set[int] = set()
    kept = []
    for fault in plan.faults:
        after = gone | fault.gone_for_ever
        left = {pool.name for number, pool in enumerate(pools) if number not in after}
        skewed = fault.skew_s and SERVER in fault.nodes
        if len(left) == len(plan.pools) and not (crashes and skewed):
            gone = after
            kept.append(fault)
    return replace(plan, faults=tuple(kept))


def with_time(plan: Plan) -> Plan:
    """The plan with a deadline by which even one worker alone must have come to an end."""
    calls = 6.0 if plan.late_words else 4.0
    lost_s = plan.lease_s + calls * plan.call_timeout_s
    kills = [fault for fault in plan.faults if isinstance(fault, KillAt)]
    retry_s = plan.retry.cap_s + plan.restart_s + 4.0 * calls * plan.latency_s
    if len(kills) < len(plan.faults):
        retry_s += lost_s  # each delivery may lose its lease, or an answer
    work_s = lost_s * sum(fault.times for fault in kills) + sum(
        plan.max_deliveries * (min(job.timeout_s, _runs_s(job)) + retry_s) + job.delay_s
        for job in plan.jobs
    )
    pauses_s = sum(fault.lasts_s for fault in plan.faults if isinstance(fault, PointFault))
    # A worker whose call was lost waits for its answer for as long as it would for a job.
    calls_s = 2.0 * plan.wait_s * len(plan.faults) + sum(
        fault.times * (fault.delay_s + plan.wait_s + 2.0)
        for fault in plan.faults
        if isinstance(fault, CallFault)
    )
    last_s = max(job.at_s + (job.again_after_s or 0.0) for job in plan.jobs)
    begin_s = max(plan.healed_at_s, last_s)
    replays = 1 + len(plan.actions)
    deadline_s = DEADLINE_S + begin_s + pauses_s + calls_s + replays * work_s
    return replace(plan, deadline_s=round(deadline_s, 1))


def _runs_s(job: PlannedJob) -> float:
    return job.timeout_s if job.behaviour in NEVER_BACK else job.service_s


def sketch(jobs: list[PlannedJob], workers: int, lease_s: float) -> Sketch:
    """Things happen when a job comes, when it is half done, done, and when its lease ends."""
    moments = set()
    for job in jobs:
        came_s = job.at_s + job.delay_s
        moments |= {came_s, came_s + job.service_s / 2, came_s + job.service_s, came_s + lease_s}
    return Sketch(len(jobs), workers, lease_s, 0.3, tuple(sorted(moments)))


def sketch_of(plan: Plan) -> Sketch:
    """What faults need to know of a plan that is there already."""
    return sketch(list(plan.jobs), len(plan.workers), plan.lease_s)
