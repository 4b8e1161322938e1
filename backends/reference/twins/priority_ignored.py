"""Jobs run in the order in which they came, whatever their priority.

The urgent job waits behind the whole burst.

Bug class: head-of-line blocking. Found by: no_starvation.
"""

from __future__ import annotations

from msgspec.structs import replace

from ....protocol.commands import Job
from .. import core
from ..adapter import ReferenceAdapter
from ..record import Record


def admit(job: Job, now: float) -> Record:
    return core.admit(replace(job, priority=0), now)  # the mistake


TWIN = ReferenceAdapter(
    "twin-priority-ignored",
    "broken: priorities are ignored",
    violates="no_starvation",
    decisions=core.CORRECT._replace(admit=admit),
    bug_class="head-of-line blocking",
    contract_test="test_the_highest_priority_goes_first",
)
