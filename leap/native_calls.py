"""The library's functions for the harness, typed: what ``native/library/harness.c`` exports."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path

NEVER_NS = 2**63 - 1


class Library:
    """The library, loaded into this process as any other: it replaces nothing here."""

    def __init__(self, path: Path) -> None:
        library = ctypes.CDLL(str(path))
        self.attach = library.jobquake_leap_attach
        self.attach.argtypes = [ctypes.c_char_p]
        self.detach = library.jobquake_leap_detach
        self.join = library.jobquake_leap_join
        self.leave = library.jobquake_leap_leave
        self.hold = library.jobquake_leap_hold
        self.connection = library.jobquake_leap_connection
        self.wait = library.jobquake_leap_wait
        self.wait.argtypes = [ctypes.c_int64, ctypes.c_int]


@cache
def load(path: Path) -> Library:
    return Library(path)


def be_node(number: int) -> None:
    """This process, which was forked, reads the wall clock of that node from now on.

    Nothing happens where the process is not on a leaping clock.
    """
    tell = getattr(ctypes.CDLL(None), "jobquake_leap_node", None)
    if tell is not None:
        tell(number)
