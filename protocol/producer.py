"""The producer: a generator without I/O that enqueues jobs at their times.

It repeats an enqueue whose answer did not come, which is safe because the queue knows
the job id. Several enqueues can be under way only by running several producers.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any

from msgspec import Struct

from .commands import Command, Enqueue, Job
from .repeat import Attempt, Sleep, until_answered


class WaitUntil(Struct, frozen=True):
    """Want: go on at that many seconds after the start of the run."""

    at_s: float


class Gone(Struct, frozen=True):
    """Want: nothing; this job's enqueue is over, answered or given up."""

    job: Job


class Stray(Struct, frozen=True):
    """Want: send a command that makes no sense, once; ``what`` says which of those it is.

    ``job_id``: the job that it must not change, where there is one.
    """

    command: Command
    what: str
    job_id: str = ""


Client = Generator[Attempt | Sleep | WaitUntil | Gone | Stray, Any, None]


def producer(schedule: Iterable[tuple[float, Job]]) -> Client:
    """Enqueue each job at its time (seconds after the start), in order."""
    for at_s, job in schedule:
        yield WaitUntil(at_s)
        yield from until_answered(Enqueue(job))
        yield Gone(job)
