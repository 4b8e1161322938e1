"""Checks: each a small pure function over a history, in a file named for its guarantee.

A check yields findings; no finding means that the guarantee held, unless the check says
that there was nothing to judge. To add one, write its file and name it in ``CHECKS``.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple

from ...backends.system import System, sees
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
from .finding import Judged, not_judged
from .sight import Needs, hidden


class Check(NamedTuple):
    """``title`` is the guarantee in words; ``judge`` holds a run against it.

    ``needs`` is what must be seen of a system for that (see :mod:`.sight`).
    """

    name: str
    title: str
    judge: Callable[[Facts], Judged]
    needs: Needs = ()

    def hold(self, facts: Facts, system: System) -> Judged:
        """Judge a run of the system, if the system shows what that takes."""
        unseen = hidden(self.needs, sees(system))
        if unseen:
            return not_judged(f"{system.name} does not show {unseen}")
        return self.judge(facts)


def _check(module: ModuleType, title: str) -> Check:
    return Check(module.__name__.rpartition(".")[2], title, module.judge, module.NEEDS)


CHECKS = {
    check.name: check
    for check in (
        _check(no_lost_work, "no accepted work is lost"),
        _check(no_duplicated_effects, "no effect happens twice"),
        _check(no_starvation, "no latency-sensitive queue starves"),
        _check(no_phantoms, "nothing runs that nobody enqueued"),
        _check(bounded_deliveries, "deliveries are bounded"),
        _check(leases_exclusive, "a job has one holder at a time"),
        _check(progress_after_heal, "after the faults, all work ends"),
        _check(backoff_respected, "retries wait for their backoff"),
        _check(retries_spread, "retries do not come in lockstep"),
        _check(permanent_failures, "what cannot succeed is not retried"),
        _check(dead_letters_explained, "dead letters tell why"),
        _check(timeouts_enforced, "no job holds a worker for ever"),
        _check(backlog_bounded, "a full queue says so"),
        _check(faults_hit, "the faults struck what they should"),
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
