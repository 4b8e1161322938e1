"""Leases and delays are measured by the server's wall clock, which jumps.

A step ahead ends every lease at once: jobs that run are handed out a second time. A step back
keeps what is leased or delayed for as much longer, which progress_after_heal calls stuck if the
deadline comes sooner.

Bug class: time measured by a wall clock that jumps. Found by: leases_exclusive.
"""

from __future__ import annotations

from ....protocol.clock import Clock, ReadClock
from .. import core
from ..adapter import ReferenceAdapter


def wall(clock: Clock, last: float | None) -> ReadClock:
    return clock.wall  # the mistake


TWIN = ReferenceAdapter(
    "twin-wall-clock",
    "broken: time is the server's wall clock, which jumps",
    violates="leases_exclusive",
    bug_class="time measured by a wall clock that jumps",
    contract_test="test_no_clock_that_jumps_ends_a_lease_or_holds_it",
    decisions=core.CORRECT._replace(time=wall),
)
