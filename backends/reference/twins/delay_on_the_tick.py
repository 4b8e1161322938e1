"""Delayed jobs are looked for every ten seconds, on the tick, whenever they are due.

A delay of half a second becomes one of ten. Whoever measures the queue sees idle workers, and
jobs that are due and waited for by nobody.

Bug class: delay outlasted by its poller. Found by: delays_respected.
"""

from __future__ import annotations

from math import ceil

from msgspec.structs import replace

from ....protocol.commands import Job
from .. import core
from ..adapter import ReferenceAdapter
from ..record import Record

TICK_S = 10.0


def admit(job: Job, now: float) -> Record:
    record = core.admit(job, now)
    if not job.delay_s:
        return record
    return replace(record, ready_at=ceil(record.ready_at / TICK_S) * TICK_S)  # the mistake


TWIN = ReferenceAdapter(
    "twin-delay-on-the-tick",
    "broken: delayed jobs are looked for every ten seconds",
    violates="delays_respected",
    decisions=core.CORRECT._replace(admit=admit),
    bug_class="delay outlasted by its poller",
    contract_test="test_a_delay_is_kept",
)
