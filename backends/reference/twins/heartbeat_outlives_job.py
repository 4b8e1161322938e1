"""The heartbeat is sent by a process of its own, which does not ask whether the job still runs.

The job hangs, its timeout ends the worker, and the heartbeat goes on for the dead: the lease
never ends, and the job is held for ever by nobody.

Bug class: heartbeat that outlives its job. Found by: progress_after_heal.
"""

from __future__ import annotations

from msgspec.structs import replace

from .. import core
from ..adapter import ReferenceAdapter
from ..record import Record

FOR_EVER_S = 1e6


def lease(record: Record, worker: str, lease_s: float, now: float) -> Record:
    leased = core.lease(record, worker, lease_s, now)
    return replace(leased, lease_until=now + FOR_EVER_S)  # the mistake: always one beat ahead


TWIN = ReferenceAdapter(
    "twin-heartbeat-outlives-job",
    "broken: the heartbeat goes on when the job hangs and its worker is gone",
    violates="progress_after_heal",
    decisions=core.CORRECT._replace(lease=lease),
    bug_class="heartbeat that outlives its job",
    contract_test="test_a_stuck_job_is_ended_at_its_timeout",
)
