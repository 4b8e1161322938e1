"""Which time a run of real processes goes by: leaping, unless something of it cannot leap."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from ...backends.adapter import Elsewhere, RemoteQueue
from ...backends.system import Time
from ...errors import EnvironmentFault
from ...proxy.choice import EMBEDDED
from .pace import Pace, RealTime


def why_real(adapter: RemoteQueue, toxiproxy: str = EMBEDDED) -> str:
    """Why time cannot leap with this backend and network; "" if nothing is in its way."""
    if toxiproxy != EMBEDDED:
        return "the network is a Toxiproxy of its own, which keeps real time"
    return adapter.elsewhere() if isinstance(adapter, Elsewhere) else ""


@cache
def unable() -> str:
    """Why time cannot leap on this machine; "" if it can, which a process that sleeps has shown."""
    from ...leap.self_test import works

    return works() or ""


def can_leap(time: Time | None, toxiproxy: str = EMBEDDED) -> bool:
    """Whether time leaps where the server is a run's own."""
    if time == "real" or toxiproxy != EMBEDDED:
        return False
    return not unable()


@contextmanager
def pace_of(time: Time | None, mark: str, why: str) -> Iterator[Pace]:
    """The pace of the run with that mark. None: it leaps where it can, else the pace says why not.

    ``why`` is a reason that is already known. Raises :class:`EnvironmentFault` where time was to
    leap and cannot.
    """
    if time == "real":
        yield RealTime()
        return
    if time == "leap" and why:
        raise EnvironmentFault(f"expected time to leap, but {why}; use --time real")
    why = why or unable()
    if not why:
        from .leaping_time import leaping_time

        with leaping_time(mark) as pace:
            yield pace
        return
    if time == "leap":
        raise EnvironmentFault(why)
    yield RealTime(why)
