"""An ack that is sent again, since its answer was lost, is refused: the job is no longer leased.

The worker takes that for a lost lease. It undoes what it has done, or reports a failure of a job
that is done.

Bug class: an ack that cannot be repeated. Found by: holder_obeyed.
"""

from __future__ import annotations

from .. import core
from ..adapter import ReferenceAdapter
from ..core import Ruling
from ..record import Record


def ack(record: Record, token: int, now: float) -> Ruling:
    if record.state == "done":
        return Ruling(None, False, "the job is done")  # the mistake: it is this worker's own ack
    return core.ack(record, token, now)


TWIN = ReferenceAdapter(
    "twin-repeated-ack-refused",
    "broken: an ack whose answer was lost is refused when it is sent again",
    violates="holder_obeyed",
    decisions=core.CORRECT._replace(ack=ack),
    bug_class="an ack that cannot be repeated",
    contract_test="test_a_word_may_be_repeated",
)
