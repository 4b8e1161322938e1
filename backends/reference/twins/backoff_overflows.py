"""The backoff is reckoned in 32 bits of milliseconds, and capped after that.

It doubles until it is larger than such a number can be, turns negative, and is smaller than any
cap. The job that has failed most often is from then on retried without a pause.

Bug class: backoff that overflows. Found by: backoff_respected.
"""

from __future__ import annotations

from random import Random

from msgspec.structs import replace

from ....protocol.commands import RetryPolicy
from .. import core
from ..adapter import ReferenceAdapter
from ..core import Ruling
from ..record import Record

HALF = 2**31


def overflowed(policy: RetryPolicy, failures: int) -> bool:
    """Whether the delay in milliseconds, kept in 32 bits, is no longer above nought."""
    milliseconds = round(policy.base_s * 1000 * policy.factor ** min(failures - 1, 64))
    return (milliseconds + HALF) % (2 * HALF) - HALF <= 0


def nack(
    record: Record, token: int, error: str, permanent: bool, now: float, rng: Random
) -> Ruling:
    ruling = core.nack(record, token, error, permanent, now, rng)
    back = ruling.successor
    if back is None or back.state != "ready":
        return ruling
    if not overflowed(record.job.retry, record.deliveries_counted):
        return ruling
    return ruling._replace(successor=replace(back, ready_at=now, backoff_s=0.0))  # the mistake


TWIN = ReferenceAdapter(
    "twin-backoff-overflows",
    "broken: the backoff overflows after many failures and turns to nothing",
    violates="backoff_respected",
    decisions=core.CORRECT._replace(nack=nack),
    bug_class="backoff that overflows",
    contract_test="test_a_backoff_is_kept_however_often_the_job_has_failed",
)
