"""A delivery that was handed back counts against the limit like one that failed.

Every deployment stops workers, which hand back what they cannot finish. A job that takes longer
than the time between two deployments is given up on, though nothing was ever wrong with it.

Bug class: given up before its time. Found by: deliveries_used.
"""

from __future__ import annotations

from msgspec.structs import replace

from .. import core
from ..adapter import ReferenceAdapter
from ..core import Ruling
from ..record import Record


def release(record: Record, token: int, now: float) -> Ruling:
    ruling = core.release(record, token, now)
    back = ruling.successor
    if back is None:
        return ruling
    counted = replace(back, forgiven=record.forgiven)  # the mistake
    if counted.deliveries_counted >= record.job.max_deliveries:
        why = f"gave up after {counted.deliveries_counted} deliveries: handed back"
        counted = replace(counted, state="dead", ended_at=now, reason=why)
    return ruling._replace(successor=counted)


TWIN = ReferenceAdapter(
    "twin-handback-counts",
    "broken: handing a job back costs it one of its deliveries",
    violates="deliveries_used",
    decisions=core.CORRECT._replace(release=release),
    bug_class="given up before its time",
    contract_test="test_a_job_handed_back_is_ready_at_once_and_not_a_failure",
)
