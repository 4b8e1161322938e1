"""The pace of a run in leaping time: all processes on one virtual clock (see :mod:`...leap`).

Time may leap only while the driver naps, and a nap ends as soon as the ledger has a new row or a
process has ended. So no leap passes over something that the driver has still to look at.
"""

from __future__ import annotations

import ctypes
import os
import select
import struct
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import inf
from pathlib import Path

from ...leap.clock import LeapingClock
from ..units import seconds
from .pace import clock_of

IN_MODIFY, IN_IGNORED = 0x2, 0x8000
OF_A_FILE = struct.Struct("iIII")  # an event of inotify that is about a file: watch, mask, 0, 0
GATHER_S = 0.001  # what comes at once is looked at once


class LeapingTime:
    """See :class:`.pace.Pace`."""

    def __init__(self, clock: LeapingClock) -> None:
        self._clock = clock
        self._news = select.epoll()
        self._files: set[int] = set()
        self._processes: set[int] = set()
        self.loop_clock = clock

    @property
    def environment(self) -> Mapping[str, str]:
        return self._clock.environment

    @property
    def told(self) -> str:
        stats = self._clock.stats
        late_ms = max(stats.worst_late_ms, stats.worst_overshoot_ms)
        return (
            f"leaping: {seconds(stats.virtual_s)} in {seconds(stats.real_s)}, {stats.leaps} leaps, "
            f"nobody slept more than {late_ms:.1f} ms too long"
            + (f"; no leap while {', '.join(stats.off_clock)} ran" if stats.off_clock else "")
        )

    def environment_of(self, node: int) -> Mapping[str, str]:
        return self._clock.node_environment(clock_of(node))

    def skew(self, node: int, ahead_s: float) -> bool:
        self._clock.skew(clock_of(node), ahead_s)
        return True

    def now_s(self) -> float:
        return self._clock.now_s()

    def nap(self, until_s: float) -> None:
        self._clock.check()
        left_s = None if until_s == inf else max(0.0, until_s - self.now_s())
        if self._clock.wait_readable(self._news.fileno(), left_s):
            time.sleep(GATHER_S)
            for fd, _ in self._news.poll(0):
                if fd in self._processes or (fd in self._files and _is_gone(fd)):
                    self._forget(fd)  # a queue may stand for hours, through thousands of both

    def watch_file(self, path: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        news = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if news < 0 or libc.inotify_add_watch(news, bytes(path), IN_MODIFY) < 0:
            raise OSError(ctypes.get_errno(), "expected to be told when a file grows", str(path))
        self._files.add(news)
        self.watch(news)

    def watch_process(self, pid: int) -> None:
        process = os.pidfd_open(pid)
        self._processes.add(process)
        self.watch(process)

    def watch(self, fd: int) -> None:
        # Told once for all that is new: whoever looks need not read it to the end.
        self._news.register(fd, select.EPOLLIN | select.EPOLLET)

    def _forget(self, fd: int) -> None:
        self._files.discard(fd)
        self._processes.discard(fd)
        os.close(fd)

    def close(self) -> None:
        self._news.close()
        for fd in (*self._files, *self._processes):
            self._forget(fd)


def _is_gone(news: int) -> bool:
    """Whether the file is gone. What is told of it is read: it would swallow what comes next."""
    told = os.read(news, 4096 * OF_A_FILE.size)
    return any(mask & IN_IGNORED for _, mask, _, _ in OF_A_FILE.iter_unpack(told))


@contextmanager
def leaping_time(mark: str) -> Iterator[LeapingTime]:
    """The pace of the run with that mark. Raises :class:`EnvironmentFault` if it cannot be."""
    with LeapingClock(mark) as clock:
        pace = LeapingTime(clock)
        try:
            yield pace
        finally:
            pace.close()
