"""Heartbeats are refused, though the lease is alive: a job cannot outlast one lease.

The lease is looked up by a key that the extension does not have. Short jobs never notice; a long
one is given up by its worker, delivered again, and given up again, until it is a dead letter.

Bug class: lease that cannot be extended. Found by: holder_obeyed.
"""

from __future__ import annotations

from .. import core
from ..adapter import ReferenceAdapter
from ..core import Ruling
from ..record import Record


def extend(record: Record, token: int, lease_s: float, now: float) -> Ruling:
    return Ruling(None, False, "there is no such lease")  # the mistake


TWIN = ReferenceAdapter(
    "twin-heartbeats-refused",
    "broken: no lease can be extended",
    violates="holder_obeyed",
    decisions=core.CORRECT._replace(extend=extend),
    bug_class="lease that cannot be extended",
    contract_test="test_an_extended_lease_lasts_longer",
)
