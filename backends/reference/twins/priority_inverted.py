"""Priorities are sorted the other way round: the lowest goes first.

One system calls its most urgent jobs 0 and another one 9. Whoever moves from one to the other
and keeps the numbers has the urgent ones wait for everything else.

Bug class: priorities sorted the other way round. Found by: no_starvation.
"""

from __future__ import annotations

from msgspec.structs import replace

from ....protocol.commands import Job
from .. import core
from ..adapter import ReferenceAdapter
from ..record import Record


def admit(job: Job, now: float) -> Record:
    return core.admit(replace(job, priority=-job.priority), now)  # the mistake


TWIN = ReferenceAdapter(
    "twin-priority-inverted",
    "broken: the least urgent jobs go first",
    violates="no_starvation",
    decisions=core.CORRECT._replace(admit=admit),
    bug_class="priorities sorted the other way round",
    contract_test="test_the_highest_priority_goes_first",
)
