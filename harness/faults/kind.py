"""A kind of field: what the value in a field of a fault means, said once for all faults.

The faults have some forty fields of few kinds. Whoever draws, folds, narrows, shifts, renumbers
or checks a fault asks the kind of each field, and never which fault it is. Standard library
only: worker processes load this, and know nothing of Hypothesis. :mod:`.numbers` and
:mod:`.times` have the kinds, :mod:`.fields` their names for the files of the faults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

from ...errors import JobquakeError
from .drawing import Sketch


class Gone(JobquakeError):
    """What the field names is not in the plan any more, so the fault is not, either."""


class Kind:
    """What may be done to the value of a field; by default nothing.

    ``rank`` orders the fields of a fault when it is narrowed: the largest steps come first.
    ``rounds_to_zero`` is None for what is no time; False for a length, which stays above 0.
    ``says_when``: it says when the fault strikes, so exploration moves the fault by it alone.
    """

    rank = 99
    rounds_to_zero: bool | None = None
    says_when = False

    def wrong(self, value: Any) -> str:
        """What was expected instead, nothing if the value makes sense."""
        return ""

    def drawn(self, rng: Random, sketch: Sketch) -> Any:
        """A value for a plan of that sketch."""
        raise NotImplementedError

    def moved(self, rng: Random, value: Any, sketch: Sketch) -> Any:
        """Another value, mostly near this one."""
        return value

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


class OneOf(Kind):
    """One of a few words."""

    def __init__(self, values: tuple[str, ...]) -> None:
        self.values = values

    def wrong(self, value: str) -> str:
        return "" if value in self.values else f"one of {', '.join(self.values)}"

    def drawn(self, rng: Random, sketch: Sketch) -> str:
        return rng.choice(self.values)

    def moved(self, rng: Random, value: str, sketch: Sketch) -> str:
        return rng.choice(self.values)
