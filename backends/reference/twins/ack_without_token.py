"""An ack is taken by job id, whoever sends it.

A worker that was paused past its lease comes back as a zombie and settles a job that
meanwhile belongs to somebody else.

Bug class: zombie that settles another's delivery. Found by: leases_exclusive.
"""

from __future__ import annotations

from .. import core
from ..adapter import ReferenceAdapter
from ..core import Ruling
from ..record import Record


def ack(record: Record, token: int, now: float) -> Ruling:
    if record.state == "done":
        return Ruling(None, True)
    return core.ack(record, record.token, min(now, record.lease_until - 1e-9))  # the mistake


TWIN = ReferenceAdapter(
    "twin-ack-without-token",
    "broken: an ack is accepted by job id, without the fencing token",
    violates="leases_exclusive",
    decisions=core.CORRECT._replace(ack=ack),
    bug_class="zombie that settles another's delivery",
    contract_test="test_the_word_of_a_zombie_is_refused",
)
