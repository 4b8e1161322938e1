"""A machine that is too busy is not held against the queue, and one that is not excuses nothing.

A worker that gets no processor looks like one that was paused, but for the row that says so. So a
run in which the harness paused one, without these rows, is what a busy machine leaves behind.
"""

from __future__ import annotations

import pytest
from jobquake.backends.registry import find
from jobquake.harness.drivers.sim import simulate
from jobquake.harness.faults.pause_at import PauseAt
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue
from jobquake.harness.record.facts import Facts
from jobquake.harness.record.history import Event, History
from jobquake.harness.result import judge
from jobquake.harness.spec.slowness import too_busy
from jobquake.protocol.worker import Point
from jobquake.scenarios import registry as scenarios
from msgspec.structs import replace

REFERENCE = find("reference")


def plan(*faults: PauseAt) -> Plan:
    return Plan(
        scenario="busy",
        variant="default",
        seed=0,
        queues=(Queue("q"),),
        pools=(Pool("p", ("q",), 2),),
        jobs=(PlannedJob(0.0, 0, 0.1), PlannedJob(0.2, 0, 0.1)),
        faults=faults,
        guarantees=("no_duplicated_effects", "no_lost_work"),
        sink="blind",
        lease_s=0.6,
    )


def stalled(point: Point, for_s: float) -> History:
    """The machine stood still for one worker, and nobody wrote it down."""
    rows = simulate(plan(PauseAt(0, point, for_s)), REFERENCE).rows
    return History(rows[(rows["event"] != Event.FAULT_STRUCK) & (rows["event"] != Event.RESUMED)])


@pytest.mark.parametrize("point", ["after_lease", "mid_job", "before_effect", "after_effect"])
def test_a_lease_lost_to_a_busy_machine_is_nobody_s_violation(point: Point) -> None:
    result = judge(plan(), REFERENCE, stalled(point, 3.0), "process")
    assert result.verdict == "inconclusive", result.sentence
    assert "the machine was too busy" in result.sentence


def test_what_a_busy_machine_cannot_do_is_still_a_violation() -> None:
    history = stalled("after_effect", 3.0)
    rows = history.rows[~((history["job"] == 1) & (history["event"] == Event.EFFECT))]
    result = judge(plan(), REFERENCE, History(rows), "process")
    assert result.verdict == "violated"
    assert "job 1" in result.sentence


def test_the_same_effect_twice_on_a_machine_with_time_is_a_violation() -> None:
    history = simulate(plan(), REFERENCE)
    again = history.rows[history["event"] == Event.EFFECT][:1]
    rows = [*history.rows.tolist(), *again.tolist()]
    result = judge(plan(), REFERENCE, History(rows), "process")
    assert result.verdict == "violated", result.sentence


@pytest.mark.parametrize("latency_s", [0.0001, 0.1])
@pytest.mark.parametrize("name", scenarios.names())
def test_in_virtual_time_no_machine_is_busy(name: str, latency_s: float) -> None:
    drawn = replace(scenarios.find(name).plan(0), latency_s=latency_s)
    assert not too_busy(Facts(drawn, REFERENCE.claims, simulate(drawn, REFERENCE)))
