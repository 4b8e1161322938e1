"""A failed job is ready again at once: there is no backoff.

It spends its deliveries within a second, on a dependency that had no time to recover.

Bug class: retry without backoff. Found by: backoff_respected.
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
    if ruling.successor is None or ruling.successor.state != "ready":
        return ruling
    return ruling._replace(successor=replace(ruling.successor, ready_at=now))  # the mistake


TWIN = ReferenceAdapter(
    "twin-retry-at-once",
    "broken: a failed job is retried without backoff",
    violates="backoff_respected",
    decisions=core.CORRECT._replace(nack=nack),
    bug_class="retry without backoff",
    contract_test="test_retries_wait_for_their_backoff",
)
