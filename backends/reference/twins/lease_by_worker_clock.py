"""Time is whatever the clock of the machine says that happens to ask.

A library that runs inside the workers and reads their clocks does so. A worker whose clock runs
ahead sees leases that have ended long ago, and takes jobs from the living; what it leases or
retries itself, everybody else must wait for.

Bug class: lease judged by the worker's skewed clock. Found by: leases_exclusive.
"""

from __future__ import annotations

from ....protocol.clock import Clock, ReadClock
from .. import core
from ..adapter import ReferenceAdapter


def caller(clock: Clock, last: float | None) -> ReadClock:
    return clock.caller  # the mistake


TWIN = ReferenceAdapter(
    "twin-lease-by-worker-clock",
    "broken: whether a lease has ended is judged by the clock of the worker that asks",
    violates="leases_exclusive",
    bug_class="lease judged by the worker's skewed clock",
    contract_test="test_no_clock_that_jumps_ends_a_lease_or_holds_it",
    decisions=core.CORRECT._replace(time=caller),
)
