"""A queue that lives through several runs, and what has to be done between two of them.

A run judges its own jobs alone, and the next one must find nothing that it could take for
its own fault. So whatever a run leaves is settled: dead letters are replayed, and what is
ready is leased and acknowledged, over a connection that no fault meets. From then on a job
of that run has no business in a worker's hands any more. Nothing here judges.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ...protocol.commands import (
    HELD,
    Ack,
    Command,
    DeadLetters,
    Inspect,
    Inspected,
    Lease,
    Leased,
    ListDead,
    Measure,
    Measured,
    Replay,
    Reply,
)
from ..plan.plan import Plan
from .conductor import pending
from .execution import Shaken

SETTLE_WITHIN_S = 30.0
SETTLE_LEASE_S = 10.0
WORKER = "soak"


class LongLivedQueue(Shaken, Protocol):
    """A queue on which plans are carried out one after the other; their labels must differ."""

    def empty(self) -> Shaken:
        """An empty queue by the clock of this one: each plan meets it without a past."""

    def settle(self, plan: Plan) -> int:
        """Settle what a run of this plan left, and drop what is old; how many jobs stayed."""

    def renew(self) -> None:
        """Begin anew with an empty queue."""

    def measure(self) -> Reply | None:
        """What the queue measures of itself, at any time and for any thread."""

    def memory(self) -> int:
        """Bytes held by the processes that serve it; 0 if it lives in this one."""


def settle(
    plan: Plan, attempt: Callable[[Command], Reply | None], wait: Callable[[], float]
) -> int:
    """Settle what is left in the queues of the plan; how many jobs stayed.

    ``wait`` lets some time pass and gives the seconds since the beginning. After
    ``SETTLE_WITHIN_S`` it is given up.
    """
    lease = Lease(WORKER, tuple(queue.name for queue in plan.queues), SETTLE_LEASE_S)
    while True:
        dead = attempt(ListDead(limit=len(plan.jobs)))
        if isinstance(dead, DeadLetters) and dead.letters:
            attempt(Replay(tuple(letter.job.id for letter in dead.letters)))
        for _ in plan.jobs:
            leased = attempt(lease)
            if not isinstance(leased, Leased) or leased.delivery is None:
                break
            attempt(Ack(leased.delivery.job.id, leased.delivery.token))
        measured = attempt(Measure())
        left = pending(measured) if isinstance(measured, Measured) else len(plan.jobs)
        left = left or _held(plan, attempt)  # its counts may leave out what is delayed
        if not left or wait() > SETTLE_WITHIN_S:
            return left


def _held(plan: Plan, attempt: Callable[[Command], Reply | None]) -> int:
    """How many jobs of the plan the queue holds, in its own words about each of them."""
    replies = (attempt(Inspect(plan.job_id(job))) for job in range(len(plan.jobs)))
    return sum(isinstance(r, Inspected) and r.state in HELD for r in replies)
