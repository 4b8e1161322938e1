"""What a run in leaping time shows is what real time shows: two hundred small plans, run both ways.

Neither is deterministic, so a plan may have several outcomes; the two times must share one.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from random import Random

import pytest
from jobquake.backends import registry as backends
from jobquake.backends.adapter import QueueSystem
from jobquake.backends.system import Time
from jobquake.harness import run as harness
from jobquake.harness.explore.draw import draw
from jobquake.harness.explore.swarm import Space, swarm
from jobquake.harness.plan.plan import Plan
from jobquake.harness.result import Result
from jobquake.harness.why_not import why_not
from support.leaping import needs_compiler
from support.servers_here import KINDS, address

PLANS, AT_ONCE = 200, 25
SMALL = Space(jobs=4, workers=2, faults=2)
LONGEST_S = 4.0  # by the simulator
ATTEMPTS = 6  # of a plan on the edge: whether a fault comes before an ack is the machine's to say
# Where the queue lives, by turns; two of the places are queues that break what they promise.
PLACES = (
    "reference", "reference-redis", "reference-sqlite", "reference-postgres",
    "twin-ack-before-run", "reference", "twin-no-lease",
)  # fmt: skip

Classes = tuple[str, frozenset[str], frozenset[str]]


def small_plans() -> Iterator[tuple[Plan, QueueSystem]]:
    """Plans that real processes can run in both times, and that the simulator calls short."""
    for number in count():
        rng = Random(f"same outcomes {number}")
        plan = draw(rng, swarm(rng)._replace(shape="mixed"), SMALL, number)
        system = backends.find(PLACES[number % len(PLACES)])
        if why_not(plan, system, "process", "real") or why_not(plan, system, "process", "leap"):
            continue
        if any(fault.skew_s for fault in plan.faults):
            continue
        simulated = harness.run(plan, backends.find(PLACES[0]), "sim")
        if simulated.result.duration_s <= LONGEST_S:
            yield plan, system


def classes_of(result: Result) -> Classes:
    """The verdict, what broke, and which fates jobs had."""
    broken = frozenset(check.name for check in result.checks if check.verdict == "violated")
    return result.verdict, broken, frozenset(fate for fate, n in result.outcomes.items() if n)


def outcome(plan: Plan, system: QueueSystem, time: Time) -> Classes:
    done = harness.run(plan, system, "process", time=time)
    assert done.result.environment["time"].startswith("real" if time == "real" else "leaping")
    return classes_of(done.result)


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("first", range(0, PLANS, AT_ONCE))
def test_small_plans_have_the_same_outcomes_in_leaping_and_in_real_time(first: int) -> None:
    for kind in KINDS:
        address(kind)  # skips, or fails in CI, where there is no such server
    apart = []
    for plan, system in islice(small_plans(), first, first + AT_ONCE):
        leaping, real = set[Classes](), set[Classes]()
        for _ in range(ATTEMPTS):
            leaping.add(outcome(plan, system, "leap"))
            real.add(outcome(plan, system, "real"))
            if leaping & real:
                break
        else:
            apart.append((plan.seed, system.name, leaping, real))
    assert not apart
