"""The same work is submitted twice: a double click, a retried request, a cron that ran twice.

The queue cannot know that two jobs mean the same unless it is told, and each way of telling it
catches something else. The same job id is caught at the door, as long as the queue remembers
it. An idempotency key is caught when the first of the two is done, but not while both run. The
outside world can recognise the key, or the effect can be one that may be repeated (set a state
instead of adding to it, insert or update instead of insert), which no window of time limits.

Here the second submission comes at the same moment or seconds later. The variant ``promised``
holds every technique against what it promises to catch. As a control, in ``every-gap`` each of
them meets both gaps, and beside them stands work that nothing tells apart: the check must
report effects that happened twice. What a day between the two changes, which real processes
cannot wait for, is :mod:`.duplicate_a_day_later`.
"""

from __future__ import annotations

from random import Random

from ..harness.plan.plan import Plan
from .scenario import Scenario
from .submitted_twice import EVERY_GAP, PROMISED, plan_of


def build(rng: Random, seed: int, variant: str) -> Plan:
    return plan_of(SCENARIO.name, rng, seed, variant, ("at once", "seconds later"), wait_s=0.5)


SCENARIO = Scenario(
    "duplicate-submission",
    "the same work is submitted twice, at once and seconds later; each technique keeps its word",
    build,
    variants=(PROMISED, EVERY_GAP),
    controls={EVERY_GAP: "no_duplicated_effects"},
    rank=170,
)
