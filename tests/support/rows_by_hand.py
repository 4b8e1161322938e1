"""Rows of a run of a library's own workers, written by hand, and the plan that they are of."""

from __future__ import annotations

from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.faults.kill_process_at import KillProcessAt
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue
from jobquake.protocol.events import Answer, Event, Row

PLAN = Plan(
    scenario="test",
    variant="default",
    seed=0,
    queues=(Queue("default"),),
    pools=(Pool("all", ("default",), 2),),
    jobs=(PlannedJob(0.0, 0, 0.1), PlannedJob(0.0, 0, 0.1)),
    faults=(KillAt(0, "after_lease"), KillProcessAt(1, "after_lease")),
    guarantees=("no_lost_work",),
    producers=1,
)


def row(t: float, event: Event, job: int = 0, node: int = 0, **more: float) -> Row:
    return Row(t, -1.0, event, job=job, node=node)._replace(**more)  # type: ignore[arg-type]


def accepted(job: int = 0) -> list[Row]:
    return [
        row(0.0, Event.ENQUEUE_SENT, job, 2),
        row(0.0, Event.ENQUEUE_ANSWERED, job, 2, answer=Answer.OK),
    ]


def run_by(t: float, node: int, job: int = 0) -> list[Row]:
    return [
        row(t, Event.STARTED, job, node),
        row(t, Event.RETURNED, job, node),
        row(t, Event.FINISHED, job, node),
    ]


def exited(t: float, node: int = 0) -> Row:
    return row(t, Event.WORKER_EXITED, -1, node, value=-9.0)


HOOKED = row(0.0, Event.HOOKED, -1)
