"""Faults: one file each, found by listing this folder. Plain data, carried out by the drivers.

A new fault is one file with one class that has a tag; it can be planned, replayed, drawn,
shrunk, checked, told and pictured by what its file says. ``AnyFault`` is the type of what a
plan may hold.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Union

from ...listing import files
from .fault import (
    CallFault,
    Fault,
    LastingFault,
    LinkFault,
    PointFault,
    Strike,
    TimedFault,
    TripFault,
    tag_of,
)
from .fields import FOR_EVER_S, SERVER, Call, NetEffect, healing_s

__all__ = [
    "FAULTS",
    "FOR_EVER_S",
    "SERVER",
    "AnyFault",
    "Call",
    "CallFault",
    "Fault",
    "LastingFault",
    "LinkFault",
    "NetEffect",
    "PointFault",
    "Strike",
    "TimedFault",
    "TripFault",
    "healing_s",
    "tag_of",
]


def _found() -> dict[str, type[Fault]]:
    """Every class with a tag in the files of this folder, by its tag; simple ones first."""
    found = dict[str, type[Fault]]()
    for file in files(__name__):
        for value in vars(import_module(f"{__name__}.{file}")).values():
            if isinstance(value, type) and issubclass(value, Fault) and tag_of(value):
                found[tag_of(value)] = value
    return dict(sorted(found.items(), key=lambda item: (item[1].rank, item[0])))


FAULTS = _found()

if TYPE_CHECKING:
    AnyFault = Fault
else:
    AnyFault = Union[tuple(FAULTS.values())]  # noqa: UP007 (made of what was found)
