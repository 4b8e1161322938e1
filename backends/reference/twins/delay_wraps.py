"""A delay is kept in milliseconds, in 31 bits: after 24 days and a half it begins again at nothing.

No test waits so long. The invoice that is due in thirty days goes out after five.

Bug class: times that overflow. Found by: delays_respected.
"""

from __future__ import annotations

from msgspec.structs import replace

from ....protocol.commands import Job
from .. import core
from ..adapter import ReferenceAdapter
from ..record import Record

MOST_MS = 2**31


def admit(job: Job, now: float) -> Record:
    delay_ms = round(job.delay_s * 1000) % MOST_MS  # the mistake
    return replace(core.admit(job, now), ready_at=now + delay_ms / 1000)


TWIN = ReferenceAdapter(
    "twin-delay-wraps",
    "broken: a delay of more than 24 days wraps around",
    violates="delays_respected",
    decisions=core.CORRECT._replace(admit=admit),
    bug_class="times that overflow",
    contract_test="test_delays_run_beside_each_other",
)
