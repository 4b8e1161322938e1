"""A job that is handed back has a fresh count of deliveries: its crashes are forgotten.

The hand-back was to cost the job nothing, so its counter was put back to nothing. A job that
kills its workers lives on from deploy to deploy, and takes a worker with it each time.

Bug class: delivery count reset. Found by: bounded_deliveries.
"""

from __future__ import annotations

from msgspec.structs import replace

from .. import core
from ..adapter import ReferenceAdapter
from ..core import Ruling
from ..record import Record


def release(record: Record, token: int, now: float) -> Ruling:
    ruling = core.release(record, token, now)
    if ruling.successor is None:
        return ruling
    forgiven = ruling.successor.token  # the mistake: not only this delivery
    return ruling._replace(successor=replace(ruling.successor, forgiven=forgiven))


TWIN = ReferenceAdapter(
    "twin-handback-resets",
    "broken: handing a job back forgets its crashes",
    violates="bounded_deliveries",
    decisions=core.CORRECT._replace(release=release),
    bug_class="delivery count reset",
    contract_test="test_a_hand_back_forgets_no_delivery_before_it",
)
