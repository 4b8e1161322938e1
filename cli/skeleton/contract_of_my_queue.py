"""The contract of my-queue: what it claims is tested, what it does not is skipped by name."""

from __future__ import annotations

from jobquake.contract import QueueContract

from .jobquake_my_queue import BACKEND


class TestMyQueue(QueueContract):
    backend = BACKEND
    # A second of a conversation lasts so many real seconds; 1.0 for a queue with coarse timers.
    second_s = 0.1
    # drivers = ("process",)  # whole plans on real processes, once the package is installed
