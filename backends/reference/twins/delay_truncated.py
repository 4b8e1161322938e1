"""Delays are kept in whole seconds, and what is left over is cut off.

A job that waits for 0.9 s for something to settle does not wait at all.

Bug class: delay cut short. Found by: delays_respected.
"""

from __future__ import annotations

from msgspec.structs import replace

from ....protocol.commands import Job
from .. import core
from ..adapter import ReferenceAdapter
from ..record import Record


def admit(job: Job, now: float) -> Record:
    return replace(core.admit(job, now), ready_at=now + int(job.delay_s))  # the mistake


TWIN = ReferenceAdapter(
    "twin-delay-truncated",
    "broken: a delay is cut to whole seconds",
    violates="delays_respected",
    decisions=core.CORRECT._replace(admit=admit),
    bug_class="delay cut short",
    contract_test="test_a_delay_is_kept",
)
