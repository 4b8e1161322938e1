"""``from jobquake.adapters import Connection``: what an adapter for a queue of yours is made of.

The commands that it carries out, and their replies, are in :mod:`jobquake.commands`.
"""

from __future__ import annotations

from .backends.adapter import (
    Adapter,
    Bounding,
    Connection,
    Housekeeper,
    Leasing,
    Queue,
    QueueSystem,
    RemoteQueue,
    Retaining,
    Tenant,
    Unavailable,
)
from .backends.claims import Claims
from .backends.framework import FrameworkSystem, Program, Settings, Wishes
from .backends.registry import Movable
from .backends.system import (
    DRIVERS,
    Driven,
    Driver,
    Framing,
    Session,
    SplitsReplies,
    Stateful,
    System,
    Veiled,
)
from .protocol.clock import Clock, ReadClock, anchored
from .protocol.worker import Worker, WorkerOptions, WorkerProgram, effect_key, perform, worker

__all__ = [
    "DRIVERS",
    "Adapter",
    "Bounding",
    "Claims",
    "Clock",
    "Connection",
    "Driven",
    "Driver",
    "FrameworkSystem",
    "Framing",
    "Housekeeper",
    "Leasing",
    "Movable",
    "Program",
    "Queue",
    "QueueSystem",
    "ReadClock",
    "RemoteQueue",
    "Retaining",
    "Session",
    "Settings",
    "SplitsReplies",
    "Stateful",
    "System",
    "Tenant",
    "Unavailable",
    "Veiled",
    "Wishes",
    "Worker",
    "WorkerOptions",
    "WorkerProgram",
    "anchored",
    "effect_key",
    "perform",
    "worker",
]
