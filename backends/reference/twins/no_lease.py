"""Receiving removes the job: there is no lease that could expire.

A plain pop from a list. Whatever the worker held when it died is gone, with no dead
letter and no trace.

Bug class: at-most-once by a plain pop. Found by: no_lost_work.
"""

from __future__ import annotations

from msgspec.structs import replace

from .. import core
from ..adapter import ReferenceAdapter
from ..core import Ruling
from ..record import Record


def lease(record: Record, worker: str, lease_s: float, now: float) -> Record:
    leased = core.lease(record, worker, lease_s, now)
    return replace(leased, state="done", ended_at=now)  # the mistake: forgotten when handed out


def ack(record: Record, token: int, now: float) -> Ruling:
    return Ruling(None, True)


def extend(record: Record, token: int, lease_s: float, now: float) -> Ruling:
    return Ruling(None, True)


TWIN = ReferenceAdapter(
    "twin-no-lease",
    "broken: receiving removes the job, a crash drops it",
    violates="no_lost_work",
    decisions=core.CORRECT._replace(lease=lease, ack=ack, extend=extend, key_recorded_at="dead"),
    bug_class="at-most-once by a plain pop",
    contract_test="test_a_lease_is_exclusive_until_it_ends",
)
