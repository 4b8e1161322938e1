"""Every broken twin is caught by its check on its smallest plan, where the correct queue holds.

The plans are in ``twin_plans.py``. In virtual time all of them; with real processes those of the
twins that lose, repeat or withhold work in a way that is new, the others among the slow tests.
"""

from __future__ import annotations

from dataclasses import replace as with_fields

import pytest
from jobquake.backends import registry as backends
from jobquake.backends.adapter import Adapter
from jobquake.backends.built_in.reference import BACKEND as REFERENCE
from jobquake.backends.reference.altered import altered_store
from jobquake.backends.reference.core import CORRECT
from jobquake.backends.system import Time
from jobquake.harness.confirm import CONFIRM_S
from jobquake.harness.drivers.sim import simulate
from jobquake.harness.faults.skew_clock import SkewClock
from jobquake.harness.plan.plan import Plan
from jobquake.harness.result import Result, judge
from jobquake.harness.run import run
from msgspec.structs import replace
from support.leaping import needs_compiler
from support.servers_here import KINDS, address
from support.twin_plans import PLANS

TWINS = [name for name in backends.names() if name.startswith("twin-")]
IN_ORDER = {name: minimal for name, minimal in PLANS.items() if minimal.needs > 1}
NO_PLACE_OF_ITS_OWN = [name for name in PLANS if name != "twin-not-durable"]
TRIES = 6
OF_HALF_A_DAY = "twin-delay-wraps"  # 14.6 h, which leap by in five minutes
# SQLite and PostgreSQL keep the priority in a column of its own, which no later write changes;
# and a real store tells that the job which a search missed is overdue, so it is looked for again.
OF_THE_MEMORY_STORE = ("twin-priority-lost-on-crash", "twin-duplicate-ends-search")
QUICK = (
    "twin-pop-then-push", "twin-promotion-twice", "twin-dead-letter-after-ack",
    "twin-dedup-window-short", "twin-replay-loses-on-crash", "twin-prefetch-hoards",
)  # fmt: skip


def simulated(plan: Plan, adapter: Adapter) -> Result:
    return judge(plan, adapter, simulate(plan, adapter), "sim")


def violated(result: Result) -> set[str]:
    return {check.name for check in result.checks if check.verdict == "violated"}


def slow_but(quick: tuple[str, ...]) -> list[object]:
    """All twins that real processes can show in any time: those of one machine share its clock."""
    return [
        pytest.param(name, marks=[] if name in quick else [pytest.mark.slow], id=name)
        for name in PLANS
        if not any(isinstance(fault, SkewClock) for fault in PLANS[name].plan.faults)
        and name not in OF_THE_MEMORY_STORE
    ]


def test_every_twin_has_a_plan_and_every_plan_a_twin() -> None:
    assert not set(TWINS) - set(PLANS), "add their plans to tests/support/twin_plans.py"
    assert not set(PLANS) - set(TWINS), "there are no such twins"
    assert len(TWINS) >= 24


@pytest.mark.parametrize("name", PLANS)
def test_a_twin_is_caught_by_its_check_on_a_plan_that_the_correct_queue_holds(name: str) -> None:
    plan, twin = PLANS[name].plan, backends.find(name)
    held = simulated(plan, REFERENCE)
    assert held.verdict == "held", held.sentence
    found = simulated(plan, twin)
    assert found.verdict == "violated", found.sentence
    assert twin.violates in violated(found)


@pytest.mark.parametrize("name", PLANS)
def test_a_twin_needs_each_fault_of_its_plan_and_no_other(name: str) -> None:
    plan, needs, _ = PLANS[name]
    assert len(plan.faults) == needs
    for left_out in range(needs):
        faults = plan.faults[:left_out] + plan.faults[left_out + 1 :]
        result = simulated(replace(plan, faults=faults), backends.find(name))
        assert result.verdict != "violated", (plan.faults[left_out], result.sentence)


def test_at_least_three_twins_need_several_faults_in_the_right_order() -> None:
    assert len(IN_ORDER) >= 3
    assert max(minimal.needs for minimal in IN_ORDER.values()) >= 3


@pytest.mark.parametrize("name", IN_ORDER)
def test_several_faults_do_no_harm_one_by_one_nor_in_another_order(name: str) -> None:
    plan, twin = PLANS[name].plan, backends.find(name)
    for left_out in range(len(plan.faults)):
        faults = plan.faults[:left_out] + plan.faults[left_out + 1 :]
        assert simulated(replace(plan, faults=faults), twin).verdict == "held"
    disordered = simulated(replace(plan, faults=PLANS[name].disordered), twin)
    assert disordered.verdict == "held", disordered.sentence
    assert len(PLANS[name].disordered) == len(plan.faults)
    assert all(told["struck"] >= told["planned"] for told in disordered.faults.values())


@pytest.mark.parametrize("name", [n for n in NO_PLACE_OF_ITS_OWN if n not in OF_THE_MEMORY_STORE])
@pytest.mark.parametrize("place", ["sqlite", *KINDS])
def test_a_twin_is_caught_on_its_plan_on_a_real_store_as_well(place: str, name: str) -> None:
    if place in KINDS:
        address(place)  # skips, or fails in CI, where there is no such server
    twin = backends.find(f"{name}@{place}")
    assert twin.violates in violated(simulated(PLANS[name].plan, twin))


@pytest.mark.parametrize("name", slow_but(QUICK))
def test_a_twin_is_caught_on_its_plan_with_real_processes(name: str) -> None:
    twin = backends.find(name)
    result = run(PLANS[name].plan, twin, "process").result
    assert twin.violates in violated(result), result.sentence


def caught(name: str, place: str, time: Time) -> tuple[bool, float]:
    """Whether that is so in one of a few runs, and how long the last of them took.

    Some mistakes need a moment that not every run has.
    """
    twin = backends.find(f"{name}@{place}")
    for _ in range(TRIES):
        result = run(PLANS[name].plan, twin, "process", time=time).result
        if twin.violates in violated(result):
            return True, result.duration_s
    return False, result.duration_s


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("place", ["broker", *KINDS])
@pytest.mark.parametrize("name", [n for n in NO_PLACE_OF_ITS_OWN if n != OF_HALF_A_DAY])
def test_leaping_time_catches_a_twin_where_real_time_does(name: str, place: str) -> None:
    if place in KINDS:
        address(place)  # skips, or fails in CI, where there is no such server
    leaping, lasted_s = caught(name, place, "leap")
    if any(isinstance(fault, SkewClock) for fault in PLANS[name].plan.faults):
        # In real time all processes share one clock; a broker knows no worker's.
        assert leaping or (name, place) == ("twin-lease-by-worker-clock", "broker")
        return
    # What a twin keeps in memory, a crash of the broker takes from it; on a shared server each
    # worker has a memory of its own.
    assert leaping or place != "broker" or name in OF_THE_MEMORY_STORE
    if lasted_s <= CONFIRM_S:
        assert caught(name, place, "real")[0] == leaping


@pytest.mark.parametrize("name", slow_but(("twin-dead-letter-after-ack",)))
def test_the_correct_queue_holds_the_plan_with_real_processes(name: str) -> None:
    result = run(PLANS[name].plan, REFERENCE, "process").result
    assert result.verdict == "held", result.sentence


def test_a_store_of_another_package_may_give_all_its_dead_letters_at_once() -> None:
    queue = with_fields(
        REFERENCE,
        decisions=CORRECT._replace(
            stored=lambda store: altered_store(store, dead=lambda: store.dead())
        ),
    )
    plan = PLANS["twin-reason-forgotten"].plan
    found = simulated(plan, queue)
    assert found.verdict == "held", found.sentence
    assert found.outcomes == simulated(plan, REFERENCE).outcomes
