"""A dead letter does not tell why it died.

Whoever finds it can only replay it and see.

Bug class: dead letter without its reason. Found by: dead_letters_explained.
"""

from __future__ import annotations

from random import Random

from msgspec.structs import replace

from .. import core
from ..adapter import ReferenceAdapter
from ..core import Ruling
from ..record import Record


def nack(
    record: Record, token: int, error: str, permanent: bool, now: float, rng: Random
) -> Ruling:
    ruling = core.nack(record, token, error, permanent, now, rng)
    if ruling.successor is None or ruling.successor.state != "dead":
        return ruling
    forgetful = replace(ruling.successor, reason="", attempts=())  # the mistake
    return ruling._replace(successor=forgetful)


TWIN = ReferenceAdapter(
    "twin-reason-forgotten",
    "broken: dead letters do not keep the reason",
    violates="dead_letters_explained",
    decisions=core.CORRECT._replace(nack=nack),
    bug_class="dead letter without its reason",
    contract_test="test_dead_letters_tell_why_and_can_be_found",
)
