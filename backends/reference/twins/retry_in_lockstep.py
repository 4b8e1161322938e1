"""The backoff has no jitter: what failed together comes back together.

The dependency meets the whole crowd again at the very moment when it is back.

Bug class: thundering herd of retries. Found by: retries_spread.
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
    policy = replace(record.job.retry, jitter="none")  # the mistake
    job = replace(record.job, retry=policy)
    return core.nack(replace(record, job=job), token, error, permanent, now, rng)


TWIN = ReferenceAdapter(
    "twin-retry-in-lockstep",
    "broken: the backoff has no jitter",
    violates="retries_spread",
    decisions=core.CORRECT._replace(nack=nack),
    bug_class="thundering herd of retries",
    contract_test="test_retries_do_not_come_in_lockstep",
)
