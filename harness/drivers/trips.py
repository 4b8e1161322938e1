"""Round trips as a library makes them: which were seen, and which is struck.

What all taps of a run share (:mod:`.triptap`). It counts round trips by their names, since the run
began, and carries nothing out.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from ...wires.wire import UNGUARDED, Guard
from ..faults import TripFault
from ..faults.fields import Side
from ..plan.plan import Plan


class Trip(NamedTuple):
    """One round trip as it was seen; times in seconds of the run's clock, -1.0: never answered.

    ``asks`` and ``brings``: the jobs whose ids are in the request, and in its answer. ``service``:
    to whom it goes, "" is the broker; ``guard``: by what that can tell that it comes again;
    ``refused``: it answered that nothing was done; ``bears_twice``: its request may arrive again;
    ``changed``: False if it answered that all was so before.
    """

    side: Side
    node: int
    connection: int
    name: str
    wire: str
    asked_s: float
    answered_s: float
    asks: tuple[int, ...]
    brings: tuple[int, ...]
    request_bytes: int
    reply_bytes: int
    service: str = ""
    guard: Guard = UNGUARDED
    refused: bool = False
    bears_twice: bool = False
    changed: bool = True


class Record:
    """The round trips of a run, and when it began, by its clock."""

    def __init__(self) -> None:
        self.trips: list[Trip] = []
        self.began_s = 0.0


Meant = tuple[tuple[int, TripFault], ...]  # the faults that are meant for a round trip


class TripStrikes:
    """Which faults strike round trips: each strikes once, and each round trip is struck once."""

    def __init__(self, plan: Plan) -> None:
        self._ids = [(job, plan.job_id(job).encode()) for job in range(len(plan.jobs))]
        self._workers = len(plan.workers)
        self._left = {n: f for n, f in enumerate(plan.faults) if isinstance(f, TripFault)}
        self._seen = Counter[tuple[Side, str]]()
        self._counts = False

    def begin(self) -> None:
        """The run begins: from now on round trips are counted."""
        self._counts = True

    def side(self, node: int) -> Side:
        return "worker" if node < self._workers else "producer"

    def jobs_in(self, data: bytes) -> tuple[int, ...]:
        """The jobs whose ids are in these bytes."""
        return tuple(job for job, name in self._ids if name in data)

    def at_request(self, side: Side, name: str) -> Meant:
        """Count one more request of that name; the faults that are meant for this round trip.

        One that strikes at the answer is still to be asked whether it ``meets`` that.
        """
        if self._counts:
            self._seen[side, name] += 1
        return tuple(
            (number, fault)
            for number, fault in self._left.items()
            if (fault.side, fault.trip) == (side, name)
            and (fault.nth == 0 or (self._counts and fault.nth == self._seen[side, name]))
        )

    def meets(self, fault: TripFault, jobs: tuple[int, ...]) -> bool:
        """Whether it strikes an answer of that name with these jobs in it."""
        return fault.nth > 0 or fault.job in jobs

    def spend(self, number: int) -> bool:
        """Whether that fault is still to strike; from now on it is not."""
        return self._left.pop(number, None) is not None
