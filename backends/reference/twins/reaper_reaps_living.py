"""The reaper looks at when a job was handed out, and not at the last word of its worker.

Each heartbeat is answered with yes, and none of them counts. A job that takes longer than a
lease is taken from a worker that is alive and was told so, and given to another.

Bug class: reaper that reaps the living. Found by: leases_exclusive.
"""

from __future__ import annotations

from .. import core
from ..adapter import ReferenceAdapter
from ..core import Ruling
from ..record import Record


def extend(record: Record, token: int, lease_s: float, now: float) -> Ruling:
    ruling = core.extend(record, token, lease_s, now)
    return ruling._replace(successor=None)  # the mistake: said yes, and changed nothing


TWIN = ReferenceAdapter(
    "twin-reaper-reaps-living",
    "broken: a heartbeat is answered, and the reaper does not look at it",
    violates="leases_exclusive",
    decisions=core.CORRECT._replace(extend=extend),
    bug_class="reaper that reaps the living",
    contract_test="test_an_extended_lease_lasts_longer",
)
