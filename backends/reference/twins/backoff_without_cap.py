"""The backoff grows without end: its cap is read, and never applied.

After a short outage of a dependency, jobs that failed through all of it come back days later.

Bug class: backoff without its cap. Found by: backoff_respected.
"""

from __future__ import annotations

from math import inf
from random import Random

from msgspec.structs import replace

from .. import core
from ..adapter import ReferenceAdapter
from ..core import Ruling
from ..record import Record


def nack(
    record: Record, token: int, error: str, permanent: bool, now: float, rng: Random
) -> Ruling:
    boundless = replace(record.job, retry=replace(record.job.retry, cap_s=inf))  # the mistake
    ruling = core.nack(replace(record, job=boundless), token, error, permanent, now, rng)
    if ruling.successor is None:
        return ruling
    return ruling._replace(successor=replace(ruling.successor, job=record.job))


TWIN = ReferenceAdapter(
    "twin-backoff-without-cap",
    "broken: the backoff grows beyond its cap",
    violates="backoff_respected",
    decisions=core.CORRECT._replace(nack=nack),
    bug_class="backoff without its cap",
    contract_test="test_a_backoff_is_kept_however_often_the_job_has_failed",
)
