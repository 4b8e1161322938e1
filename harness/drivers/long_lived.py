"""A queue that stands through several runs, and what has to be done between two of them.

A run judges its own jobs alone, and the next one must find nothing that it could take for
its own fault. So whatever a run leaves is settled: dead letters are replayed, and what is
ready is leased and acknowledged, over a connection that no fault meets. From then on a job
of that run has no business in a worker's hands any more. Nothing here judges.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

from ...backends.adapter import Adapter
from ...protocol.commands import (
    Ack,
    Command,
    DeadLetters,
    Lease,
    Leased,
    ListDead,
    Measure,
    Measured,
    Replay,
    Reply,
)
from ..plan.plan import Plan
from ..record.history import History
from .observe import pending

SETTLE_WITHIN_S = 30.0
SETTLE_LEASE_S = 10.0
WORKER = "soak"


class Shaken(NamedTuple):
    """The history, the ledger as it was written (None in sim), and what was the network."""

    history: History
    ledger: bytes | None
    network: str


class Standing(Protocol):
    """A queue on which plans are carried out one after the other; their labels must differ."""

    def shake(self, plan: Plan) -> Shaken:
        """Carry the plan out."""

    def settle(self, plan: Plan) -> int:
        """Settle what a run of this plan left, and drop what is old; how many jobs stayed."""

    def renew(self) -> None:
        """Begin anew with an empty queue."""

    def measure(self) -> Reply | None:
        """What the queue measures of itself, at any time and for any thread."""

    def memory(self) -> int:
        """Bytes held by the processes that serve it; 0 if it lives in this one."""


def standing(adapter: Adapter, driver: str, folder: Path) -> AbstractContextManager[Standing]:
    """Such a queue, until the end of the block. Raises ``EnvironmentFault`` and ``Unavailable``.

    With real processes it keeps its files in ``folder`` and goes on with those that are there;
    in virtual time it lives in memory and starts empty.
    """
    if driver == "sim":
        from .long_lived_sim import simulated

        return simulated(adapter)
    from .long_lived_process import served

    return served(adapter, folder)


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
        if not left or wait() > SETTLE_WITHIN_S:
            return left
