"""Plans in which the same work is submitted twice, under each technique, so far apart.

What the scenarios of duplicate submissions share: the techniques, with the gaps in which each
promises that the work is done once, and the making of a plan. It judges nothing: what became
of each submission is counted in the history.
"""

from __future__ import annotations

from itertools import product
from random import Random
from typing import Literal, NamedTuple

from msgspec.structs import replace

from ..harness.faults.kill_at import KillAt
from ..harness.plan.plan import Plan, PlannedJob, Pool, Queue, Sink
from .scenario import ALWAYS

Gap = Literal["at once", "seconds later", "a day later"]
GAPS_S: dict[Gap, tuple[float, float]] = {
    "at once": (0.0, 0.0),
    "seconds later": (2.5, 3.0),
    "a day later": (90_000.0, 90_060.0),  # the queue forgets after 86,400 s
}
ALL_GAPS: tuple[Gap, ...] = tuple(GAPS_S)
PROMISED, EVERY_GAP = "promised", "every-gap"
WORKS_PER_CELL = 3
WORKERS = 4
EVERY_S = 0.2  # so far apart that two workers are free for what is submitted at once


class Technique(NamedTuple):
    """What the queue and the world are told of the second submission, and when it is caught."""

    catches: tuple[Gap, ...]
    sink: Sink = "blind"
    own_key: bool = False
    same_id: bool = False


TECHNIQUES = (
    Technique((), own_key=True),
    Technique(("at once", "seconds later"), same_id=True),
    Technique(("seconds later",)),
    Technique(ALL_GAPS, sink="keyed"),
    Technique(ALL_GAPS, sink="set", own_key=True),
    Technique(ALL_GAPS, sink="upsert", own_key=True),
)


def plan_of(
    scenario: str, rng: Random, seed: int, variant: str, gaps: tuple[Gap, ...], wait_s: float
) -> Plan:
    """Every technique at every gap, or in the variant ``promised`` where it catches the second.

    Workers wait ``wait_s`` seconds for a job before they ask again. One of them is killed in
    the midst of work whose effect may be repeated.
    """
    cells = [
        (technique, gap)
        for technique, gap in product(TECHNIQUES, gaps)
        if variant == EVERY_GAP or gap in technique.catches
    ]
    firsts: list[PlannedJob] = []
    seconds: list[PlannedJob] = []
    for number, (technique, gap) in enumerate(cells * WORKS_PER_CELL):
        at_s = round(number * EVERY_S, 3)
        service_s = round(rng.uniform(0.2, 0.3), 3)
        later_s = round(rng.uniform(*GAPS_S[gap]), 3)
        first = PlannedJob(at_s, 0, service_s, sink=technique.sink, own_key=technique.own_key)
        if technique.same_id:
            firsts.append(replace(first, again_after_s=later_s))
        else:
            firsts.append(first)
            again_at_s = round(at_s + later_s, 3)
            seconds.append(replace(first, at_s=again_at_s, same_work_as=number))
    may_be_repeated = [n for n, job in enumerate(firsts) if job.sink in ("set", "upsert")]
    return Plan(
        scenario=scenario,
        variant=variant,
        seed=seed,
        queues=(Queue("charges"),),
        pools=(Pool("charges", ("charges",), WORKERS),),
        jobs=(*firsts, *seconds),
        faults=(KillAt(rng.choice(may_be_repeated), "mid_job"),),
        guarantees=ALWAYS,
        must_hit=(("worker kill", "running"),),
        lease_s=1.0,
        wait_s=wait_s,
        max_deliveries=4,
        deadline_s=60.0 + max(GAPS_S[gap][1] for gap in gaps),
    )
