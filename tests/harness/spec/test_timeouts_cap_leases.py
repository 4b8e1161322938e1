"""A lease ends by the job's timeout: if heartbeats move that, a dead worker's job comes late."""

from __future__ import annotations

from dataclasses import replace as with_fields

from jobquake.backends.reference import core
from jobquake.backends.reference.adapter import ReferenceAdapter
from jobquake.backends.reference.core import Ruling
from jobquake.backends.reference.record import Record
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue
from jobquake.harness.result import Result
from jobquake.harness.run import run
from jobquake.protocol.commands import RetryPolicy
from msgspec.structs import replace

PLAN = Plan(
    scenario="late",
    variant="default",
    seed=0,
    queues=(Queue("q"),),
    pools=(Pool("all", ("q",), 2),),
    jobs=(PlannedJob(0.0, 0, 4.5, timeout_s=4.6),),
    faults=(KillAt(0, "after_effect"),),
    guarantees=("ready_jobs_handed_out",),
    lease_s=3.0,
    retry=RetryPolicy(0.0, 1.0, 0.0, "full"),
)


def _sliding(record: Record, token: int, lease_s: float, now: float) -> Ruling:
    """Each heartbeat begins the job's timeout anew."""
    ruling = core.extend(replace(record, started_at=now), token, lease_s, now)
    if ruling.successor is None:
        return ruling
    return ruling._replace(successor=replace(ruling.successor, started_at=now))


SLIDES = ReferenceAdapter("slides", "", decisions=core.CORRECT._replace(extend=_sliding))


def _result(queue: ReferenceAdapter) -> Result:
    return run(PLAN, queue, "sim").result


def test_a_timeout_that_heartbeats_move_keeps_the_job_of_a_dead_worker_too_long() -> None:
    assert "was ready again after a lost lease" in _result(SLIDES).sentence
    assert _result(ReferenceAdapter("correct", "")).verdict != "violated"


def test_who_does_not_claim_timeouts_may_keep_it_that_long() -> None:
    unclaimed = with_fields(SLIDES, claims=replace(SLIDES.claims, timeouts=False))
    assert _result(unclaimed).verdict != "violated"
