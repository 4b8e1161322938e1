"""A replay of dead letters is answered with yes, and nothing is replayed.

The operator goes home; next week the letters are found where they were.

Bug class: replay that does nothing. Found by: replays_obeyed.
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
    return ruling._replace(successor=replace(record, version=record.version + 1))  # the mistake


TWIN = ReferenceAdapter(
    "twin-replay-unheard",
    "broken: a replay is answered with yes, and does nothing",
    violates="replays_obeyed",
    decisions=core.CORRECT._replace(replay=replay),
    bug_class="replay that does nothing",
    contract_test="test_a_replayed_dead_letter_has_a_fresh_budget",
)
