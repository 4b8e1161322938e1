"""The smallest plan: one worker, one short job, no fault."""

from __future__ import annotations

from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue

SMALL = Plan(
    scenario="small",
    variant="default",
    seed=1,
    queues=(Queue("q"),),
    pools=(Pool("p", ("q",), 1),),
    jobs=(PlannedJob(0.0, 0, 0.05),),
    faults=(),
    guarantees=("no_lost_work",),
    producers=1,
)
