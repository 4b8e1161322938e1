"""A queue behind its own server, on the clock of this machine: the stage of a remote queue.

It speaks to the queue over the adapter's own connection. A second of the conversation lasts
``second_s`` real seconds (:mod:`.seconds`), or seconds of leaping time. Nothing is judged by a
machine that is late: where what should have taken a moment took so long that a lease may have ended
meanwhile, the test is skipped and says so. A queue that keeps time in steps (``Claims.timer_s``) is
given seconds of three steps.
"""

from __future__ import annotations

import tempfile
import time as machine
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from ...backends.adapter import RemoteQueue, leasing
from ...backends.system import Time
from ...blame import blaming
from ...errors import JobquakeError
from ...protocol.commands import Command, Reply
from ..drivers.long_lived_process import ServedQueue, served
from .bench import LEASE_S
from .seconds import Seconds

ANSWER_WITHIN_S = 5.0
STEPS = 3  # a conversation leaves half a second between too early and too late
LATE_S = 0.4  # of a conversation's seconds: less than any conversation leaves between two moments


class RealTime:
    """See :class:`.bench.Stage`."""

    long_s = 30.0

    def __init__(self, adapter: RemoteQueue, served: ServedQueue, second_s: float) -> None:
        self._adapter = adapter
        self._served = served
        self._now_s = served.pace.now_s
        self.address = served.address
        self._second_s = second_s
        self._connection = adapter.connect(served.address, ANSWER_WITHIN_S)
        self._seconds = Seconds(second_s)
        self._began = self._woke = self._now_s()

    @property
    def now(self) -> float:
        return (self._now_s() - self._began) / self._second_s

    def wait(self, seconds: float) -> None:
        until_s = self._now_s() + seconds * self._second_s
        while (woke := self._now_s()) < until_s:
            self._served.pace.nap(until_s)
        self._see_that_it_is_in_time((woke - self._woke) / self._second_s - seconds)
        self._woke = woke

    def call(self, command: Command) -> Reply:
        asked = machine.monotonic()
        reply = self._connection.attempt(self._seconds.said(command))
        if reply is None:
            took = f"{machine.monotonic() - asked:.1f} s"
            pytest.fail(
                f"expected {self._adapter.name} to answer {type(command).__name__} within "
                f"{ANSWER_WITHIN_S:g} s, found no answer after {took}: attempt() returned None",
                pytrace=False,
            )
        return self._seconds.answered(reply)

    def crash(self) -> None:
        if not self._served.restart():
            pytest.skip(f"{self._adapter.name} has no server that could die")
        self._connection.close()
        self._connection = self._adapter.connect(self.address, ANSWER_WITHIN_S)
        self._woke = self._now_s()

    def keep_house(self) -> None:
        """The server does that by itself."""

    def close(self) -> None:
        self._connection.close()

    def _see_that_it_is_in_time(self, late_s: float) -> None:
        """Skip the test if commands and sleeps took longer than the conversation allows."""
        if late_s > LATE_S:
            _not_judged(self._adapter.name, late_s * self._second_s, self._second_s)


def _not_judged(name: str, late_s: float, second_s: float) -> NoReturn:
    pytest.skip(
        f"not judged: {name} and this machine were {late_s:.2f} s late in a conversation whose "
        f"seconds last {second_s:g} s; set second_s = {4 * second_s:g} in the class"
    )


@contextmanager
def real_time(
    adapter: RemoteQueue, second_s: float, time: Time | None = "real"
) -> Iterator[RealTime]:
    """A fresh queue, served until the end of the block; nothing of it is left.

    ``time`` is as in :func:`..run.run`.
    """
    step_s = max(second_s, STEPS * adapter.claims.timer_s)
    adapter = leasing(adapter, LEASE_S * step_s)
    with ExitStack() as resources:
        with _in_one_line(adapter):
            folder = tempfile.TemporaryDirectory(prefix="jobquake-contract-")
            queue = served(adapter, Path(resources.enter_context(folder)), time)
            stage = RealTime(adapter, resources.enter_context(queue), step_s)
        yield stage
        with _in_one_line(adapter):
            stage.close()
            resources.close()


@contextmanager
def _in_one_line(adapter: RemoteQueue) -> Iterator[None]:
    """What the adapter raises fails the test with one sentence."""
    try:
        with blaming(adapter.name):
            yield
    except JobquakeError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
