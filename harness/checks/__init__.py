"""Checks: each a small pure function over a history, in a file named for its guarantee.

A check yields findings; no finding means that the guarantee held, unless the check says
that there was nothing to judge. To add one, write its file and name it in ``CHECKS``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..plan.plan import Plan
from ..plan.validate import PlanError
from ..record.facts import Facts
from . import (
    backlog_bounded,
    backoff_respected,
    bounded_deliveries,
    dead_letters_explained,
    faults_hit,
    leases_exclusive,
    no_duplicated_effects,
    no_lost_work,
    no_phantoms,
    no_starvation,
    permanent_failures,
    progress_after_heal,
    retries_spread,
    timeouts_enforced,
)
from .finding import Judged


class Check(NamedTuple):
    """``title`` is the guarantee in words; ``judge`` holds a run against it."""

    name: str
    title: str
    judge: Callable[[Facts], Judged]


CHECKS = {
    check.name: check
    for check in (
        Check("no_lost_work", "no accepted work is lost", no_lost_work.judge),
        Check("no_duplicated_effects", "no effect happens twice", no_duplicated_effects.judge),
        Check("no_starvation", "no latency-sensitive queue starves", no_starvation.judge),
        Check("no_phantoms", "nothing runs that nobody enqueued", no_phantoms.judge),
        Check("bounded_deliveries", "deliveries are bounded", bounded_deliveries.judge),
        Check("leases_exclusive", "a job has one holder at a time", leases_exclusive.judge),
        Check("progress_after_heal", "after the faults, all work ends", progress_after_heal.judge),
        Check("backoff_respected", "retries wait for their backoff", backoff_respected.judge),
        Check("retries_spread", "retries do not come in lockstep", retries_spread.judge),
        Check("permanent_failures", "what cannot succeed is not retried", permanent_failures.judge),
        Check("dead_letters_explained", "dead letters tell why", dead_letters_explained.judge),
        Check("timeouts_enforced", "no job holds a worker for ever", timeouts_enforced.judge),
        Check("backlog_bounded", "a full queue says so", backlog_bounded.judge),
        Check("faults_hit", "the faults struck what they should", faults_hit.judge),
    )
}
GUARANTEES = tuple(CHECKS)


def see_guarantees(plan: Plan) -> None:
    """Raise :class:`PlanError` about the first guarantee of the plan that has no check."""
    for guarantee in plan.guarantees:
        if guarantee not in CHECKS:
            raise PlanError(
                f"expected one of {', '.join(CHECKS)} as guarantee of the plan, found "
                f"{guarantee!r}; mend what made the plan, or copy its replay string again"
            )
