"""Jobs have no timeout: a stuck one may extend its lease for ever.

Its heartbeat is healthy, its worker is busy, and it will never end.

Bug class: job without a timeout. Found by: timeouts_enforced.
"""

from __future__ import annotations

from msgspec.structs import replace

from ....protocol.commands import Job
from .. import core
from ..adapter import ReferenceAdapter
from ..record import Record

FOR_EVER_S = 1e6


def admit(job: Job, now: float) -> Record:
    return core.admit(replace(job, timeout_s=FOR_EVER_S), now)  # the mistake


TWIN = ReferenceAdapter(
    "twin-no-timeout",
    "broken: jobs have no timeout",
    violates="timeouts_enforced",
    decisions=core.CORRECT._replace(admit=admit),
    bug_class="job without a timeout",
    contract_test="test_no_extension_outlasts_the_timeout",
)
