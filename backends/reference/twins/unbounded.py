"""The queue takes whatever comes, whatever was asked.

Nobody is told to slow down, and everything in it gets older.

Bug class: queue without a bound. Found by: backlog_bounded.
"""

from __future__ import annotations

from ....protocol.commands import Job
from .. import core
from ..adapter import ReferenceAdapter


def full(job: Job, waiting: int) -> str | None:
    return None  # the mistake


TWIN = ReferenceAdapter(
    "twin-unbounded",
    "broken: the queue has no limit and refuses nothing",
    violates="backlog_bounded",
    decisions=core.CORRECT._replace(full=full),
    bug_class="queue without a bound",
    contract_test="test_a_full_queue_refuses_and_keeps_what_it_has",
)
