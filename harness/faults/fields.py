"""What the fields of faults are made of: a type and the kind that says what its values mean.

These are the names that the file of a fault uses. A field of a new kind is declared in its
file: ``limit: Annotated[int, Number()]``.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from ...protocol.worker import POINTS, Point
from .kind import OneOf
from .numbers import (
    SERVER,
    JobNumber,
    NamedTrip,
    NodeNumber,
    Ordinal,
    Repetitions,
    Trip,
    WorkerNumber,
    WorkerNumbers,
)
from .text import TripName
from .times import FOR_EVER_S, Absence, Moment, Offset, Seconds, healing_s

Call = Literal["enqueue", "lease", "ack", "nack", "extend", "release", "dead", "replay"]
Side = Literal["producer", "worker"]
TripEffect = Literal[
    "lose_request", "lose_reply", "reset_before", "reset_after", "late", "dark", "twice"
]
TripMoment = Literal["before", "after"]
NetEffect = Literal["lose_request", "lose_reply", "delay", "duplicate", "reset"]
CALLS: tuple[Call, ...] = get_args(Call)

JobIndex = Annotated[int, JobNumber()]
Worker = Annotated[int, WorkerNumber()]
Workers = Annotated[tuple[int, ...], WorkerNumbers()]
Node = Annotated[int, NodeNumber()]
At = Annotated[Point, OneOf(POINTS)]
Nth = Annotated[int, Ordinal()]
NthTrip = Annotated[int, Trip()]
Times = Annotated[int, Repetitions()]
When = Annotated[float, Moment()]
Span = Annotated[float, Seconds()]
Away = Annotated[float | None, Absence()]
Jump = Annotated[float, Offset()]
OnCall = Annotated[Call, OneOf(CALLS)]
How = Annotated[NetEffect, OneOf(get_args(NetEffect))]
OnSide = Annotated[Side, OneOf(get_args(Side))]
OnTrip = Annotated[str, TripName()]
NthNamed = Annotated[int, NamedTrip()]
AtMoment = Annotated[TripMoment, OneOf(get_args(TripMoment))]
HowTrip = Annotated[TripEffect, OneOf(get_args(TripEffect))]

__all__ = [
    "CALLS",
    "FOR_EVER_S",
    "SERVER",
    "At",
    "AtMoment",
    "Away",
    "Call",
    "How",
    "HowTrip",
    "JobIndex",
    "Jump",
    "NetEffect",
    "Node",
    "Nth",
    "NthNamed",
    "NthTrip",
    "OnCall",
    "OnSide",
    "OnTrip",
    "Side",
    "Span",
    "Times",
    "TripEffect",
    "TripMoment",
    "When",
    "Worker",
    "Workers",
    "healing_s",
]
