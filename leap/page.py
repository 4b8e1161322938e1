"""The page: a file in memory that every process of one run maps, and the governor with them.

``native/page.h`` says what it holds. Here is its head only, which the harness reads and in which
it skews wall clocks; the slots behind it are the library's and the governor's.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import uuid
from contextlib import suppress
from pathlib import Path

from ..errors import EnvironmentFault

PAGE_ENV = "JOBQUAKE_LEAP_PAGE"
NODE_ENV = "JOBQUAKE_LEAP_NODE"
PLACE = Path("/dev/shm")
PREFIX = "jobquake-leap-"
MAGIC, LAYOUT = 0x4C454150, 1
NODES, GUESTS = 256, 64
SIZE = 1 << 20  # at least what the library maps, which refuses a smaller file

WHY = (
    "it leaps",
    "the harness is busy",
    "somebody runs",
    "somebody wakes",
    "bytes are under way",
    "a process is off the clock",
    "nobody has a deadline",
    "the governor has ended",
)


class Head(ctypes.Structure):
    """The first fields of ``struct leap_page``, in its order."""

    _fields_ = (
        ("magic", ctypes.c_uint32),
        ("layout", ctypes.c_uint32),
        ("offset_ns", ctypes.c_int64),
        ("holds", ctypes.c_int32),
        ("why", ctypes.c_uint32),
        ("births", ctypes.c_uint32),
        ("timers_top", ctypes.c_uint32),
        ("connections_top", ctypes.c_uint32),
        ("leaps", ctypes.c_uint64),
        ("looks", ctypes.c_uint64),
        ("worst_overshoot_ns", ctypes.c_int64),
        ("worst_late_ns", ctypes.c_int64),
        ("late_waits", ctypes.c_uint64),
        ("ended_waits", ctypes.c_uint64),
        ("governor_pid", ctypes.c_uint32),
        ("runner", ctypes.c_int32),
        ("lost", ctypes.c_uint32),
        ("off_clock", ctypes.c_char * 256),
        ("guests", ctypes.c_int32 * GUESTS),
        ("skew_ns", ctypes.c_int64 * NODES),
    )


class Page:
    """A new page. ``close`` it: its file goes, its memory with the last process that maps it."""

    def __init__(self, mark: str = "") -> None:
        self.path = PLACE / f"{PREFIX}{mark or uuid.uuid4().hex}"
        try:
            # A server may run as somebody else than the harness; the name is what keeps others out.
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise EnvironmentFault(
                f"expected to keep the run's clock in {PLACE}, found {error.strerror}; "
                "use --time real"
            ) from error
        try:
            os.fchmod(fd, 0o666)
            os.ftruncate(fd, SIZE)
            self._memory = mmap.mmap(fd, SIZE)
        finally:
            os.close(fd)
        self.head = Head.from_buffer(self._memory)
        self.head.layout = LAYOUT
        self.head.magic = MAGIC  # last: from now on it is one

    def close(self) -> None:
        del self.head
        self._memory.close()
        remove(self.path)


def remove(path: Path) -> None:
    """Remove a page's file, if its governor has not done so already."""
    with suppress(OSError):
        path.unlink()


def remove_page(mark: str) -> None:
    """Remove what is left of the page of the run that has this mark."""
    remove(PLACE / f"{PREFIX}{mark}")
