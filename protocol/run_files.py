"""The files of a run through which its processes know what to do. Standard library only."""

from __future__ import annotations

import os
from pathlib import Path

LEDGER = "ledger.jsonl"
REPLAY = "replay.txt"  # the plan, for jobquake's own nodes
WORK = "work.json"  # what of the plan concerns a framework's processes
READY = "ready"  # with a client's number: it waits for the run to begin
STRIKES = "strikes"  # a folder of marks: how often something was passed
STARTED = "started"  # holds the monotonic time at which the run began


def count_passing(marks: Path, name: str, most: int) -> int:
    """Count one more passing; marks outlive the process. Its number, 0 if beyond ``most``."""
    for passing in range(1, most + 1):
        try:
            os.close(os.open(marks / f"{name}.{passing}", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            continue
        return passing
    return 0


def passings(marks: Path, name: str, most: int) -> int:
    """How many passings have been counted under that name, at most ``most``."""
    for passing in range(1, most + 1):
        if not (marks / f"{name}.{passing}").exists():
            return passing - 1
    return most
