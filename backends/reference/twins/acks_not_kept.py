"""An ack is accepted, and the job stays leased: the completion is never written.

The answer goes out before a batch that is dropped. When the lease ends the job comes back, and its
work is done again and again, until it is a dead letter that succeeded every time.

Bug class: completion that is not written. Found by: holder_obeyed.
"""

from __future__ import annotations

from .. import core
from ..adapter import ReferenceAdapter
from ..core import Ruling
from ..record import Record


def ack(record: Record, token: int, now: float) -> Ruling:
    return core.ack(record, token, now)._replace(successor=None)  # the mistake


TWIN = ReferenceAdapter(
    "twin-acks-not-kept",
    "broken: an ack is accepted and the job is not done",
    violates="holder_obeyed",
    decisions=core.CORRECT._replace(ack=ack),
    bug_class="completion that is not written",
    contract_test="test_a_completed_job_is_over",
)
