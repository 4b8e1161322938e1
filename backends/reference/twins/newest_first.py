"""What came last goes first: a stack that is called a queue.

While workers keep up nobody notices. Under load the oldest jobs, for which somebody has waited the
longest, wait until there is no load any more.

Bug class: last in, first out. Found by: order_kept.
"""

from __future__ import annotations

from msgspec.structs import replace

from ....protocol.commands import Job
from .. import core
from ..adapter import ReferenceAdapter
from ..record import Record


def admit(job: Job, now: float) -> Record:
    record = core.admit(job, now)
    return record if job.delay_s else replace(record, ready_at=-now)  # the mistake


TWIN = ReferenceAdapter(
    "twin-newest-first",
    "broken: the newest job goes first",
    violates="order_kept",
    decisions=core.CORRECT._replace(admit=admit),
    bug_class="last in, first out",
    contract_test="test_jobs_of_a_queue_come_in_their_order",
)
