"""What a soak tells Prometheus of itself, beside what its queue measures. Pure but for memory."""

from __future__ import annotations

from collections.abc import Iterator

import psutil

from ...backends.metrics.families import Family
from ..result import EXIT
from .soak import Soak


def families(soak: Soak) -> Iterator[Family]:
    """The families of a soak that has come so far; counters go on when it does."""
    yield Family(
        "jobquake_soak_rounds",
        "counter",
        "Rounds by verdict, since the soak began",
        ("verdict",),
        {(verdict,): soak.verdicts.get(verdict, 0) for verdict in EXIT},
    )
    yield _one("jobquake_soak_jobs", "Jobs of these rounds", soak.jobs)
    yield _one("jobquake_soak_strikes", "Faults that struck a job", soak.strikes)
    yield _gauge(
        "jobquake_soak_behaviours",
        "Orders of events and the like, seen so far",
        len(soak.behaviours),
    )
    yield _one("jobquake_soak_running_seconds", "Seconds of all runs, virtual in sim", soak.spent_s)
    yield _gauge("jobquake_soak_memory_bytes", "Memory of the soak's own process", _rss())
    yield _gauge(
        "jobquake_soak_queue_memory_bytes",
        "Memory of the processes that serve the queue after the last round; 0 in sim",
        soak.queue_rss,
    )
    yield _gauge(
        "jobquake_soak_queue_disk_bytes",
        "Size of the queue's files after the last round; 0 in sim",
        soak.queue_disk,
    )


def _one(name: str, words: str, value: float) -> Family:
    return Family(name, "counter", words, (), {(): value})


def _gauge(name: str, words: str, value: float) -> Family:
    return Family(name, "gauge", words, (), {(): value})


def _rss() -> int:
    return int(psutil.Process().memory_info().rss)
