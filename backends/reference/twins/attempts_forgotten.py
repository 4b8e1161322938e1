"""A dead letter tells of the last attempt only: each one overwrites the one before.

Whether a job failed five times in the same way, or once and was killed four times, is what an
operator must know before replaying it.

Bug class: dead letter without its history. Found by: dead_letters_listed.
"""

from __future__ import annotations

from random import Random

from msgspec.structs import replace

from .. import core
from ..adapter import ReferenceAdapter
from ..core import Ruling
from ..record import Record


def _last(record: Record) -> Record:
    return replace(record, attempts=record.attempts[-1:])  # the mistake


def nack(
    record: Record, token: int, error: str, permanent: bool, now: float, rng: Random
) -> Ruling:
    ruling = core.nack(record, token, error, permanent, now, rng)
    return ruling._replace(successor=ruling.successor and _last(ruling.successor))


def reap(record: Record, now: float, rng: Random) -> Record:
    return _last(core.reap(record, now, rng))


TWIN = ReferenceAdapter(
    "twin-attempts-forgotten",
    "broken: a dead letter tells of its last attempt only",
    violates="dead_letters_listed",
    decisions=core.CORRECT._replace(nack=nack, reap=reap),
    bug_class="dead letter without its history",
    contract_test="test_dead_letters_keep_their_attempts",
)
