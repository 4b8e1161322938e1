"""The same work is submitted again when the queue has long forgotten the first time.

A queue cannot remember every job for ever: it forgets the ids and the keys of what is done
after its retention, here a day. A nightly import that is repeated the next morning, or a
webhook that is delivered again on Monday, comes later than that. What the queue would have
caught yesterday runs again; only a world that knows the key, or an effect that may be repeated,
keeps it from being charged twice.

The day passes in virtual time, so this scenario runs in the simulator only; workers that find
nothing ask again once an hour, so that an idle day costs next to nothing. The variant
``promised`` holds every technique against what it promises to catch: at once, seconds later and
a day later. As a control, in ``every-gap`` each of them meets all three: the whole table of what
each technique catches and what not (``tools/docs.py duplicates`` prints it).
"""

from __future__ import annotations

from random import Random

from ..harness.plan.plan import Plan
from .scenario import Scenario
from .submitted_twice import ALL_GAPS, EVERY_GAP, PROMISED, plan_of

HOUR_S = 3600.0


def build(rng: Random, seed: int, variant: str) -> Plan:
    return plan_of(SCENARIO.name, rng, seed, variant, ALL_GAPS, wait_s=HOUR_S)


SCENARIO = Scenario(
    "duplicate-a-day-later",
    "the same work is submitted again when the queue has forgotten it; each technique keeps its "
    "word",
    build,
    variants=(PROMISED, EVERY_GAP),
    controls={EVERY_GAP: "no_duplicated_effects"},
    driver="sim",
    rank=180,
)
