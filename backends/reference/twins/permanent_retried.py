"""Every failure is taken for a passing one.

What can never succeed is tried until its deliveries are spent, and delays what could.

Bug class: retries of what can never succeed. Found by: permanent_failures.
"""

from __future__ import annotations

from random import Random

from .. import core
from ..adapter import ReferenceAdapter
from ..core import Ruling
from ..record import Record


def nack(
    record: Record, token: int, error: str, permanent: bool, now: float, rng: Random
) -> Ruling:
    return core.nack(record, token, error, False, now, rng)  # the mistake


TWIN = ReferenceAdapter(
    "twin-permanent-retried",
    "broken: permanent failures are retried like any other",
    violates="permanent_failures",
    decisions=core.CORRECT._replace(nack=nack),
    bug_class="retries of what can never succeed",
    contract_test="test_a_permanent_failure_is_not_retried",
)
