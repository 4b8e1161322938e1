"""A job that overruns its timeout is ended, and acknowledged like one that has ended well.

The worker is killed as it should be, and what it was doing is not done. The dashboard shows no
failure, since there was none.

Bug class: timeout taken for success. Found by: no_lost_work.
"""

from __future__ import annotations

from random import Random

from msgspec.structs import replace

from .. import core
from ..adapter import ReferenceAdapter
from ..record import Record


def reap(record: Record, now: float, rng: Random) -> Record:
    reaped = core.reap(record, now, rng)
    if not core.overran(record):
        return reaped
    return replace(reaped, state="done", ended_at=now)  # the mistake


TWIN = ReferenceAdapter(
    "twin-timeout-acks",
    "broken: a job that overran its timeout is taken for done",
    violates="no_lost_work",
    decisions=core.CORRECT._replace(reap=reap),
    bug_class="timeout taken for success",
    contract_test="test_a_stuck_job_is_ended_at_its_timeout",
)
