"""The guard: makes sure that no process of a run outlives the run, whatever ends it.

Every process of a run carries the run's mark in its environment, and so do the children
it makes, in whichever session or group they hide. The guard is a process of its own; it
waits until the pipe to the driver closes, which happens however the driver dies, and
then kills every process that carries the mark.
"""

from __future__ import annotations

import os
import sys
import time

import psutil

MARK = "JOBQUAKE_RUN"
SWEEP_FOR_S = 10.0


def marked(mark: str) -> list[psutil.Process]:
    """Living processes whose environment carries this mark."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def sweep(mark: str) -> int:
    """Kill everything that carries the mark until nothing is left; how many were killed."""
    killed: set[int] = set()
    until = time.monotonic() + SWEEP_FOR_S
    while time.monotonic() < until:
        living = [process for process in marked(mark) if process.pid != os.getpid()]
        if not living:
            break
        for process in living:
            try:
                process.kill()
                killed.add(process.pid)
            except psutil.Error:
                continue
        psutil.wait_procs(living, timeout=0.2)
    return len(killed)


def main(mark: str) -> None:
    """Wait for the end of standard input, then sweep."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    sweep(mark)


if __name__ == "__main__":
    main(sys.argv[1])
