"""An ack is carried out, and answered as if it had been refused.

The answer is made of the record after the change, which is leased to nobody any more. Each worker
believes that its lease was lost: alarms go off, clean-up code undoes work that counts as done.

Bug class: answer made after the change. Found by: holder_obeyed.
"""

from __future__ import annotations

from .. import core
from ..adapter import ReferenceAdapter
from ..core import Ruling
from ..record import Record


def ack(record: Record, token: int, now: float) -> Ruling:
    ruling = core.ack(record, token, now)
    if ruling.successor is None:
        return ruling
    return ruling._replace(accepted=False, why="the job is leased to nobody")  # the mistake


TWIN = ReferenceAdapter(
    "twin-acks-told-as-refused",
    "broken: an ack is carried out and answered as refused",
    violates="holder_obeyed",
    decisions=core.CORRECT._replace(ack=ack),
    bug_class="answer made after the change",
    contract_test="test_a_completed_job_is_over",
)
