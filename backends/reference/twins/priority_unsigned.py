"""A priority is kept in bytes without a sign, so one below zero is above all others.

Somebody gave the clean-up a priority of -1, to have it done when nothing else is left. It is done
first.

Bug class: priorities that overflow. Found by: priorities_respected.
"""

from __future__ import annotations

from msgspec.structs import replace

from ....protocol.commands import Job
from .. import core
from ..adapter import ReferenceAdapter
from ..record import Record

VALUES = 2**32


def admit(job: Job, now: float) -> Record:
    return core.admit(replace(job, priority=job.priority % VALUES), now)  # the mistake


TWIN = ReferenceAdapter(
    "twin-priority-unsigned",
    "broken: a priority below zero is taken for a very large one",
    violates="priorities_respected",
    decisions=core.CORRECT._replace(admit=admit),
    bug_class="priorities that overflow",
    contract_test="test_the_highest_priority_goes_first",
)
