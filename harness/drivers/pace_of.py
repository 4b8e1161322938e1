"""Which time a run of real processes goes by: leaping, unless something of it cannot leap."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from threading import Lock

from ...backends.adapter import Elsewhere, Starting
from ...backends.system import System, Time
from ...errors import EnvironmentFault
from ...leap.reach import NOT_FOUND, out_of_reach
from ...proxy.choice import EMBEDDED
from .pace import Pace, RealTime


def why_real(system: System, toxiproxy: str = EMBEDDED) -> str:
    """Why time cannot leap with this system and network; "" if nothing is in its way."""
    if toxiproxy != EMBEDDED:
        return "the network is a Toxiproxy of its own, which keeps real time"
    if isinstance(system, Elsewhere) and (where := system.elsewhere()):
        return where
    for program in system.programs() if isinstance(system, Starting) else ():
        reason = out_of_reach(program)
        if reason and reason != NOT_FOUND:  # the run says better who is missing
            return f"{program} is out of its reach: {reason}"
    return ""


_testing = Lock()


def unable() -> str:
    """Why time cannot leap on this machine; "" if it can, which a process that sleeps has shown."""
    with _testing:
        return _unable()


@cache
def _unable() -> str:
    from ...leap.self_test import works

    return works() or ""


def can_leap(system: System, time: Time | None, toxiproxy: str = EMBEDDED) -> bool:
    """Whether time will leap in a run of that system."""
    return time != "real" and not why_real(system, toxiproxy) and not unable()


@contextmanager
def pace_of(time: Time | None, mark: str, why: str) -> Iterator[Pace]:
    """The pace of the run with that mark. None: it leaps where it can, else the pace says why not.

    ``why`` is a reason that is already known. Where time was to leap and cannot, raises
    :class:`EnvironmentFault`, or :class:`UsageError` if another run of this process leaps.
    """
    if time == "real":
        yield RealTime()
        return
    if time == "leap" and why:
        raise EnvironmentFault(f"expected time to leap, but {why}; use --time real")
    why = why or unable()
    if not why:
        from ...leap.clock import InUse
        from .leaping_time import leaping_time

        with ExitStack() as opened:
            try:
                pace: Pace = opened.enter_context(leaping_time(mark))
            except InUse:
                if time == "leap":
                    raise
                pace = RealTime("another run of this process leaps")
            yield pace
        return
    if time == "leap":
        raise EnvironmentFault(why)
    yield RealTime(why)
