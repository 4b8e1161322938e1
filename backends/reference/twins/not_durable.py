"""The broker answers from memory: an accepted job lives nowhere else.

It is fast, and it holds until the day the broker itself is killed; then every job that it
had accepted and not yet handed out is gone.

Bug class: acknowledged before it is durable. Found by: no_lost_work.
"""

from __future__ import annotations

from ..adapter import ReferenceAdapter
from ..places import PLACES

TWIN = ReferenceAdapter(
    "twin-not-durable",
    "broken: the broker keeps its jobs in memory only, its crash loses them",
    violates="no_lost_work",
    place=PLACES["broker-careless"],
    bug_class="acknowledged before it is durable",
    contract_test="test_the_server_may_crash_under_load",
)
