"""A job that is taken back from a dead worker goes to the end of the line: it is urgent no more.

It has waited for a whole lease already, and now waits for everything that came meanwhile.

Bug class: priority lost on the way back. Found by: priorities_respected.
"""

from __future__ import annotations

from random import Random

from msgspec.structs import replace

from .. import core
from ..adapter import ReferenceAdapter
from ..record import Record


def reap(record: Record, now: float, rng: Random) -> Record:
    reaped = core.reap(record, now, rng)
    return replace(reaped, job=replace(reaped.job, priority=0))  # the mistake


TWIN = ReferenceAdapter(
    "twin-priority-lost-on-crash",
    "broken: a job that is taken back from a dead worker has lost its priority",
    violates="priorities_respected",
    decisions=core.CORRECT._replace(reap=reap),
    bug_class="priority lost on the way back",
    contract_test="test_a_job_is_as_urgent_as_ever_when_it_comes_back",
)
