"""A watcher beside every run of a test that leaps: time goes back or stands still for nobody."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from jobquake.harness.drivers import leaping_time as real
from jobquake.harness.drivers.leaping_time import LeapingTime

from support.leaping import program

FOR_S, PROCESSES, NAP_MS = 10**9, 2, 5000
leaping_time = real.leaping_time


@contextmanager
def watched(mark: str) -> Iterator[LeapingTime]:
    """As :func:`jobquake.harness.drivers.leaping_time.leaping_time`, and somebody watches."""
    with leaping_time(mark) as pace:
        watcher = subprocess.Popen(
            [str(program("watcher", "-ldl")), str(FOR_S), str(PROCESSES), str(NAP_MS)],
            env=os.environ | dict(pace.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        try:
            yield pace
        finally:
            os.killpg(watcher.pid, signal.SIGTERM)
            said, _ = watcher.communicate()
        not_yet = watcher.returncode == -signal.SIGTERM  # the run was over before it could look
        assert not_yet or said == "well\n", said
