"""A delivery that ended in a crash does not count against the job.

A job that kills its worker is handed out for ever and takes one worker after another
with it.

Bug class: crash loop of a poison job. Found by: bounded_deliveries.
"""

from __future__ import annotations

from random import Random

from msgspec.structs import replace

from .. import core
from ..adapter import ReferenceAdapter
from ..record import Record


def reap(record: Record, now: float, rng: Random) -> Record:
    forgiving = replace(record, forgiven=record.token)  # the mistake: the crash is forgiven
    return core.reap(forgiving, now, rng)


TWIN = ReferenceAdapter(
    "twin-crashes-not-counted",
    "broken: crashed deliveries do not count against the bound",
    violates="bounded_deliveries",
    decisions=core.CORRECT._replace(reap=reap),
    bug_class="crash loop of a poison job",
    contract_test="test_deliveries_are_bounded",
)
