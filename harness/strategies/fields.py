"""A strategy for any fault, made of the kinds of its fields: ``of(Partition)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from msgspec import NODEFAULT
from msgspec.structs import fields

from ..faults.changed import fields_of
from ..faults.fault import Fault
from ..faults.kind import Kind, OneOf
from ..faults.numbers import (
    SERVER,
    JobNumber,
    NodeNumber,
    Ordinal,
    Repetitions,
    Trip,
    WorkerNumber,
    WorkerNumbers,
)
from ..faults.times import FAR_S, Absence, Moment, Offset, Seconds
from .times import seconds

F = TypeVar("F", bound=Fault)
NUMBERS = st.integers(0, 15)  # of a job or a worker; the plan folds it into what it has
WHEN_S = 4.0
LASTS_S = 2.0


def of(fault: type[F], **given: SearchStrategy[Any]) -> SearchStrategy[F]:
    """Draws each field as ``given``, or else as its kind is drawn; what has a default keeps it."""
    optional = {field.name for field in fields(fault) if field.default is not NODEFAULT}
    drawn = {
        name: given[name] if name in given else of_kind(kind)
        for name, kind in fields_of(fault)
        if name in given or name not in optional
    }
    return st.builds(fault, **drawn)


def of_kind(kind: Kind) -> SearchStrategy[Any]:
    """Values for a field of that kind; one that nobody knows here is drawn as what it is based on.

    Raises TypeError if there is nothing of the sort.
    """
    if isinstance(kind, OneOf):
        return st.sampled_from(kind.values)
    for base in type(kind).__mro__:
        if base in _OF_KINDS:
            return _OF_KINDS[base]()
    raise TypeError(
        f"expected a kind of field that can be drawn, found {type(kind).__name__}; base it on "
        "one of jobquake.harness.faults.numbers or times, or give its field a strategy"
    )


def offsets(far_s: float) -> SearchStrategy[float]:
    """Seconds ahead, or the same behind."""
    off_s = seconds(0.001, far_s)
    return off_s | off_s.map(lambda by_s: -by_s)


def _several() -> SearchStrategy[tuple[int, ...]]:
    return st.sets(NUMBERS, min_size=1, max_size=3).map(lambda found: tuple(sorted(found)))


_OF_KINDS: dict[type, Callable[[], SearchStrategy[Any]]] = {
    JobNumber: lambda: NUMBERS,
    WorkerNumber: lambda: NUMBERS,
    WorkerNumbers: _several,
    NodeNumber: lambda: NUMBERS | st.just(SERVER),
    Ordinal: lambda: st.integers(1, 3),
    Trip: lambda: st.integers(1, 12),
    Repetitions: lambda: st.integers(1, 3),
    Moment: lambda: seconds(0, WHEN_S),
    Seconds: lambda: seconds(0.001, LASTS_S),
    Absence: lambda: st.none() | seconds(0.001, LASTS_S),
    Offset: lambda: offsets(FAR_S),
}
