"""The governor as the harness sees it: a child that moves the clock on, and ends with the harness.

What it does is in ``native/governor/``. It is a program of its own, so that neither the harness nor
the interpreter's lock makes it wait, and so that whoever kills the harness leaves neither a page
behind nor anybody who lives by it.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..errors import EnvironmentFault
from .page import PAGE_ENV

READY_WITHIN_S = 10.0
END_WITHIN_S = 5.0
LOOK_EVERY_S = 0.0005
TURNS_UNTOLD = 3  # its exit status


class Governor:
    """The governor of one page, until ``end``."""

    def __init__(self, program: Path, page: Path, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [program, page],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            env={name: value for name, value in environment.items() if name != PAGE_ENV},
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def await_ready(self, ready: Callable[[], bool]) -> None:
        """Wait until it governs. Raises :class:`EnvironmentFault` if it does not come to that."""
        until = time.monotonic() + READY_WITHIN_S
        while not ready():
            self.check()
            if time.monotonic() > until:
                raise EnvironmentFault(
                    f"expected the governor of leaping time to start within {READY_WITHIN_S:g} s, "
                    "found that it did not; is the machine overloaded?"
                )
            time.sleep(LOOK_EVERY_S)

    def check(self) -> None:
        """Raise :class:`EnvironmentFault` if it has died; time has run at its real rate since."""
        if self._process.poll() == TURNS_UNTOLD:
            raise EnvironmentFault(
                "expected the kernel to count in /proc/PID/schedstat how often a thread has run, "
                "found that it does not; use --time real"
            )
        if self._process.poll() is not None:
            raise EnvironmentFault(
                "expected the governor of leaping time to live as long as the run, found that it "
                f"ended with status {self._process.returncode}; use --time real"
            )

    def end(self) -> None:
        assert self._process.stdin is not None
        with suppress(OSError):  # it is gone already
            self._process.stdin.write(b"end")  # else it takes us for killed, and so ends the run
            self._process.stdin.close()
        try:
            self._process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
