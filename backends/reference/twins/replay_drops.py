"""A replayed dead letter is taken out and put nowhere.

The operator is told that all is well, and the jobs are gone.

Bug class: replay that drops. Found by: no_lost_work.
"""

from __future__ import annotations

from msgspec.structs import replace

from .. import core
from ..adapter import ReferenceAdapter
from ..core import Ruling
from ..record import Record


def replay(record: Record, now: float) -> Ruling:
    ruling = core.replay(record, now)
    if ruling.successor is None:
        return ruling
    return ruling._replace(successor=replace(ruling.successor, state="done"))  # the mistake


TWIN = ReferenceAdapter(
    "twin-replay-drops",
    "broken: a replay takes the dead letter out and puts it nowhere",
    violates="no_lost_work",
    decisions=core.CORRECT._replace(replay=replay),
    bug_class="replay that drops",
    contract_test="test_a_replayed_dead_letter_has_a_fresh_budget",
)
