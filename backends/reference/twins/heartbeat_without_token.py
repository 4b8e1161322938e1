"""A heartbeat is taken from whoever knows the job: a zombie keeps somebody else's lease alive.

The new holder may die meanwhile, and nobody will know: the zombie's heartbeats say that all is
well.

Bug class: heartbeat without a fencing token. Found by: leases_exclusive.
"""

from __future__ import annotations

from .. import core
from ..adapter import ReferenceAdapter
from ..core import Ruling
from ..record import Record


def extend(record: Record, token: int, lease_s: float, now: float) -> Ruling:
    known = token <= record.token and record.state == "leased"
    return core.extend(record, record.token if known else token, lease_s, now)  # the mistake


TWIN = ReferenceAdapter(
    "twin-heartbeat-without-token",
    "broken: a heartbeat is accepted by job id, without the fencing token",
    violates="leases_exclusive",
    decisions=core.CORRECT._replace(extend=extend),
    bug_class="heartbeat without a fencing token",
    contract_test="test_the_word_of_a_zombie_is_refused",
)
