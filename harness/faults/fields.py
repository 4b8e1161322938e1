"""Kinds of fields: what the value in a field of a fault means, said once for all faults.

The twelve faults have some forty fields of few kinds. Whoever folds, narrows, shifts, renumbers
or checks a fault asks the kind of each field, and never which fault it is. Standard library
only: worker processes load this, and know nothing of Hypothesis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from typing import Annotated, Any, Literal

from ...protocol.worker import Point

SERVER = -1  # where a node's number is asked for: the machine of the queue's server
FOR_EVER_S = 1e9  # a fault that lasts so long never heals, and nobody waits for it
Call = Literal["enqueue", "lease", "ack", "nack", "extend", "release", "dead", "replay"]
NetEffect = Literal["lose_request", "lose_reply", "delay", "duplicate", "reset"]


class Gone(Exception):
    """What the field names is not in the plan any more, so the fault is not, either."""


class Kind:
    """What may be done to the value of a field; by default nothing.

    ``rank`` orders the fields of a fault when it is narrowed: the largest steps come first.
    ``rounds_to_zero`` is None for what is no time; False for a length, which stays above 0.
    """

    rank = 99
    rounds_to_zero: bool | None = None

    def wrong(self, value: Any) -> str:
        """What was expected instead, nothing if the value makes sense."""
        return ""

    def folded(self, value: Any, jobs: int, workers: int, server_crashes: bool) -> Any:
        """The value turned into one that names a job or a worker of the plan."""
        return value

    def without_jobs(self, value: Any, place: Mapping[int, int]) -> Any:
        """The value when each job has the new ``place``. Raises :class:`Gone` if it has none."""
        return value

    def without_worker(self, value: Any, gone: int) -> Any:
        """The value when the workers behind ``gone`` move up. Raises :class:`Gone`."""
        return value

    def counted_without(self, value: Any, jobs: int) -> Any:
        """The value when so many jobs are gone, whose round trips are not counted any more."""
        return value

    def narrower(self, value: Any) -> Iterator[Any]:
        """Values with which the fault strikes less."""
        return iter(())

    def shifted(self, value: Any, moved: Callable[[float], float]) -> Any:
        """The value when everything in the plan happens at another time."""
        return value


class _Number(Kind):
    """A whole number that is not below ``least``."""

    least = 0

    def wrong(self, value: Any) -> str:
        return "" if value >= self.least else f"a number of at least {self.least}"


class JobNumber(_Number):
    """The index of a job of the plan."""

    rank = 4

    def folded(self, value: int, jobs: int, workers: int, server_crashes: bool) -> int:
        return value % jobs

    def without_jobs(self, value: int, place: Mapping[int, int]) -> int:
        if value not in place:
            raise Gone
        return place[value]

    def narrower(self, value: int) -> Iterator[int]:
        if value > 0:
            yield 0


class WorkerNumber(_Number):
    """The number of one worker."""

    rank = 5

    def folded(self, value: int, jobs: int, workers: int, server_crashes: bool) -> int:
        return value % max(1, workers)

    def without_worker(self, value: int, gone: int) -> int:
        if value == gone:
            raise Gone
        return value - (value > gone)

    def narrower(self, value: int) -> Iterator[int]:
        if value > 0:
            yield 0


class WorkerNumbers(Kind):
    """The numbers of several workers."""

    rank = 2

    def wrong(self, value: tuple[int, ...]) -> str:
        return "" if all(worker >= 0 for worker in value) else "worker numbers of at least 0"

    def folded(
        self, value: tuple[int, ...], jobs: int, workers: int, server_crashes: bool
    ) -> tuple[int, ...]:
        return tuple(sorted({worker % max(1, workers) for worker in value}))

    def without_worker(self, value: tuple[int, ...], gone: int) -> tuple[int, ...]:
        left = tuple(worker - (worker > gone) for worker in value if worker != gone)
        if not left:
            raise Gone
        return left

    def narrower(self, value: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(value) > 1:
            for worker in value:
                yield tuple(other for other in value if other != worker)


class NodeNumber(_Number):
    """The number of a worker, or ``SERVER``.

    If the server crashes, its clock is right and a worker's is wrong: after a crash the wall
    clock is all that a queue can ask, and no queue could know that it jumped meanwhile.
    """

    least = SERVER

    def folded(self, value: int, jobs: int, workers: int, server_crashes: bool) -> int:
        if value == SERVER and not server_crashes:
            return value
        return max(0, value) % max(1, workers)

    def without_worker(self, value: int, gone: int) -> int:
        if value == gone:
            raise Gone
        return value - (value > gone)


class Ordinal(_Number):
    """The how manieth passing of a point, from 1."""

    rank = 1
    least = 1

    def narrower(self, value: int) -> Iterator[int]:
        yield from (less for less in dict.fromkeys((1, value // 2, value - 1)) if 0 < less < value)


class Trip(Ordinal):
    """The ordinal of a round trip, counted over all nodes, from 1."""

    def counted_without(self, value: int, jobs: int) -> int:
        return max(1, value - jobs)


class Repetitions(_Number):
    """How many times in a row."""

    rank = 0
    least = 1

    def narrower(self, value: int) -> Iterator[int]:
        if value > 1:
            yield from dict.fromkeys((1, value // 2, value - 1))


class Seconds(Kind):
    """A number of seconds that is not negative."""

    rounds_to_zero = False

    def wrong(self, value: float) -> str:
        return "" if isfinite(value) and value >= 0 else "a number of seconds of at least 0"


class Moment(Seconds):
    """Seconds after the start of the run."""

    rounds_to_zero = True

    def shifted(self, value: float, moved: Callable[[float], float]) -> float:
        return moved(value)


class Absence(Seconds):
    """How long a worker stays away; None: as long as the plan says."""

    rank = 3

    def wrong(self, value: float | None) -> str:
        return "" if value is None else super().wrong(value)

    def narrower(self, value: float | None) -> Iterator[float | None]:
        if value not in (None, FOR_EVER_S):
            yield None


class Offset(Kind):
    """Seconds that may lead backwards."""

    def wrong(self, value: float) -> str:
        return "" if isfinite(value) else "a finite number of seconds"


JobIndex = Annotated[int, JobNumber()]
Worker = Annotated[int, WorkerNumber()]
Workers = Annotated[tuple[int, ...], WorkerNumbers()]
Node = Annotated[int, NodeNumber()]
At = Annotated[Point, Kind()]
Nth = Annotated[int, Ordinal()]
NthTrip = Annotated[int, Trip()]
Times = Annotated[int, Repetitions()]
When = Annotated[float, Moment()]
Span = Annotated[float, Seconds()]
Away = Annotated[float | None, Absence()]
Jump = Annotated[float, Offset()]
OnCall = Annotated[Call, Kind()]
How = Annotated[NetEffect, Kind()]


def healing_s(lasts_s: float) -> float:
    """How long to wait for the end of what lasts so long: not at all, if it is for ever."""
    return lasts_s if lasts_s < FOR_EVER_S else 0.0
