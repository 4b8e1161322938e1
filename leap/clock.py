"""The clock of one run in leaping time: what the rest of the harness uses.

    with LeapingClock(mark) as clock:
        process = Popen(command, env=os.environ | clock.environment)
        clock.wait(60.0)                    a virtual minute, in milliseconds if all of it is idle

Every process that is started with ``clock.environment`` lives on the clock, and so do its
children. The harness does not, and need not: a thread of it takes part as a *guest*. A guest that
does anything but wait on the clock holds time to its real rate, so the harness can start, kill,
ask and read at leisure, and no leap falls into that. The thread that opens the clock is its first
guest; others join with :meth:`LeapingClock.guest`. Whoever has an event loop makes it with
:meth:`LeapingClock.new_event_loop`.

    now_s()             virtual monotonic seconds, what time.monotonic() gives in the processes
    wait(s), wait_until(at_s), wait_readable(fd, s)
                        like time.sleep and select, in virtual seconds; the only places where time
                        may leap as far as this thread is concerned, and never past them
    hold()              a block in which no leap happens, in whichever thread
    skew(node, s)       that node's wall clock is ahead by that much; its monotonic one is not
    check()             raises EnvironmentFault if the governor has died
    stats               virtual and real seconds, leaps, the worst slack, who is off the clock
"""

from __future__ import annotations

import asyncio
import math
import os
import selectors
import time
from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket
from threading import Lock
from types import TracebackType
from typing import Any, NamedTuple

from ..errors import InternalError, UsageError
from .build import Built, built
from .governor import Governor
from .native_calls import NEVER_NS, Library, load
from .page import NODE_ENV, NODES, PAGE_ENV, WHY, Page

NS = 1_000_000_000
NO_FD = -1


class Stats(NamedTuple):
    """How a clock has run so far."""

    virtual_s: float
    real_s: float
    leaps: int
    worst_overshoot_ms: float  # how far a leap went past the earliest deadline
    worst_late_ms: float  # how long after its deadline a wait ended, by its own clock
    late_waits: int  # that ended later than a virtual millisecond
    ended_waits: int
    off_clock: tuple[str, ...]  # programs of the run that were seen not to be on the clock
    why: str  # what the governor saw last


class InUse(UsageError):
    """Another run of this process lives in leaping time."""


class LeapingClock:
    """See the module's docstring. One at a time in a process; a second one raises InUse."""

    _free = Lock()
    _open: LeapingClock | None = None

    def __init__(self, mark: str = "") -> None:
        self._mark = mark
        self.environment: dict[str, str] = {}

    def __enter__(self) -> LeapingClock:
        made = built()
        if not LeapingClock._free.acquire(blocking=False):
            raise InUse(
                "expected one run in leaping time at a time in a process, found two; run them one "
                "after the other, or one of them with time='real'"
            )
        try:
            return self._begin(made)
        except BaseException:
            LeapingClock._free.release()
            raise

    def _begin(self, made: Built) -> LeapingClock:
        self._library: Library = load(made.library)
        self._page = Page(self._mark)
        self._governor: Governor | None = None
        try:
            self._head = self._page.head
            if self._library.attach(str(self._page.path).encode()):
                raise InternalError("expected the library to know the page's layout")
            LeapingClock._open = self
            self._library.join()
            self._began = time.monotonic_ns()
            before = os.environ.get("LD_PRELOAD")
            self.environment = {
                "LD_PRELOAD": f"{made.library}:{before}" if before else str(made.library),
                PAGE_ENV: str(self._page.path),
            }
            self._governor = Governor(made.governor, self._page.path, dict(os.environ))
            self._governor.await_ready(lambda: bool(self._head.governor_pid))
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._last = self.stats
        try:
            self._close()
        finally:
            LeapingClock._free.release()

    def _close(self) -> None:
        if self._governor:
            self._governor.end()
            self._governor = None
        if LeapingClock._open is self:
            self._library.leave()
            self._library.detach()
            LeapingClock._open = None
        del self._head
        self._page.close()

    # -- time -----------------------------------------------------------------------------

    def now_s(self) -> float:
        return self._now_ns() / NS

    def _now_ns(self) -> int:
        return time.monotonic_ns() + int(self._head.offset_ns)

    def wait(self, seconds: float) -> None:
        self.wait_until(self.now_s() + seconds)

    def wait_until(self, at_s: float) -> None:
        while (left_s := at_s - self.now_s()) > 0:
            self._wait(left_s, NO_FD)

    def wait_readable(self, fd: int, seconds: float | None) -> bool:
        """Whether the descriptor can be read within that time; None waits as long as it takes."""
        until_s = math.inf if seconds is None else self.now_s() + seconds
        while True:
            left_s = until_s - self.now_s()
            ready = self._wait(max(0.0, left_s), fd)
            if ready > 0 or (ready == 0 and left_s <= 0):
                return ready > 0

    def _wait(self, seconds: float, fd: int) -> int:
        """1: readable; 0: not, in that time; -1: a signal came. Handlers run before it returns."""
        deadline = NEVER_NS if math.isinf(seconds) else self._now_ns() + round(seconds * NS)
        return int(self._library.wait(deadline, fd))

    # -- guests ---------------------------------------------------------------------------

    @contextmanager
    def guest(self) -> Iterator[None]:
        """This thread, which did not open the clock, takes part in the block."""
        self._library.join()
        try:
            yield
        finally:
            self._library.leave()

    @contextmanager
    def hold(self) -> Iterator[None]:
        self._library.hold(1)
        try:
            yield
        finally:
            self._library.hold(-1)

    def tell_connection(self, fd: int) -> None:
        """No leap while the other end of this connection of ours holds bytes back."""
        self._library.connection(fd)

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """An event loop on this clock, for a guest to run."""
        return LeapingLoop(self)

    # -- the run --------------------------------------------------------------------------

    def node_environment(self, node: int) -> dict[str, str]:
        """What a process needs to read that node's wall clock, with its children."""
        return self.environment | {NODE_ENV: str(node)}

    def skew(self, node: int, ahead_s: float) -> None:
        if not 0 <= node < NODES:
            raise InternalError(f"expected a node below {NODES}, found {node}")
        self._head.skew_ns[node] = round(ahead_s * NS)

    @property
    def governor_pid(self) -> int:
        return int(self._head.governor_pid)

    def check(self) -> None:
        if self._governor:
            self._governor.check()

    @property
    def stats(self) -> Stats:
        """As of now, or of the end."""
        if not hasattr(self, "_head"):
            return self._last
        head = self._head
        real_s = (time.monotonic_ns() - self._began) / NS
        return Stats(
            virtual_s=real_s + head.offset_ns / NS,
            real_s=real_s,
            leaps=head.leaps,
            worst_overshoot_ms=head.worst_overshoot_ns / 1e6,
            worst_late_ms=head.worst_late_ns / 1e6,
            late_waits=head.late_waits,
            ended_waits=head.ended_waits,
            off_clock=tuple(filter(None, head.off_clock.decode(errors="replace").split(", "))),
            why=WHY[head.why],
        )


class LeapingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is the clock's, and whose idle moments are waits on it."""

    def __init__(self, clock: LeapingClock) -> None:
        self._clock = clock
        super().__init__(LeapingSelector(clock))

    def time(self) -> float:
        return self._clock.now_s()

    async def sock_connect(self, sock: socket, address: Any) -> None:
        await super().sock_connect(sock, address)
        self._clock.tell_connection(sock.fileno())


class LeapingSelector(selectors.EpollSelector):
    def __init__(self, clock: LeapingClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > 0:
            self._clock._wait(math.inf if timeout is None else timeout, self.fileno())
        return super().select(0)
