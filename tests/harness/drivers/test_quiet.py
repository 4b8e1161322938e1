"""A run ends when every job has: the queue's own counts do not end it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as with_fields
from types import SimpleNamespace

import pytest
from jobquake.backends.built_in.reference import BACKEND as REFERENCE
from jobquake.backends.reference.adapter import ReferenceAdapter
from jobquake.backends.reference.altered import altered_store
from jobquake.backends.reference.core import CORRECT
from jobquake.backends.reference.stores.store import Store
from jobquake.backends.reference.twins.leases_uncounted import TWIN as UNCOUNTED
from jobquake.harness.drivers.clock import Clock, Process, Steps
from jobquake.harness.drivers.conductor import patience_s
from jobquake.harness.drivers.simnet import SimulatedNetwork
from jobquake.harness.drivers.skew import WallClocks
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue
from jobquake.harness.result import Result
from jobquake.harness.run import run
from jobquake.protocol.commands import Command, Depth, Lease, Leased, Reply, RetryPolicy
from msgspec.structs import replace

MONTH_S = 30 * 86_400.0
KILLED = Plan(
    scenario="quiet",
    variant="default",
    seed=1,
    queues=(Queue("q"),),
    pools=(Pool("p", ("q",), 2),),
    jobs=tuple(PlannedJob(0.1 * n, 0, 0.2) for n in range(4)),
    faults=(KillAt(1, "mid_job"),),
    guarantees=("no_lost_work",),
    retry=RetryPolicy(2.0, 2.0, 4.0, "none"),
    deadline_s=600.0,
)


def counting(counted: Callable[[Depth], int]) -> ReferenceAdapter:
    """The correct queue with other counts in its depths."""

    def stored(store: Store) -> Store:
        def depths(now: float) -> list[Depth]:
            return [replace(depth, count=counted(depth)) for depth in store.depths(now)]

        return altered_store(store, depths=depths)

    return with_fields(REFERENCE, decisions=CORRECT._replace(stored=stored))


def simulated(adapter: ReferenceAdapter, plan: Plan = KILLED) -> Result:
    return run(plan, adapter, "sim").result


@pytest.mark.parametrize(
    "counted",
    [lambda depth: depth.waiting or 0, lambda _: 0],
    ids=["what is due", "nothing"],
)
def test_a_correct_queue_that_counts_too_little_runs_to_its_end(
    counted: Callable[[Depth], int],
) -> None:
    blind, open_eyed = simulated(counting(counted)), simulated(REFERENCE)
    assert blind.verdict == "held"
    assert blind.outcomes == open_eyed.outcomes
    assert blind.outcomes["done"] == len(KILLED.jobs)


def test_a_queue_that_holds_what_it_does_not_count_is_violated_and_told_that_it_contradicts_itself(
) -> None:  # fmt: skip
    result = simulated(UNCOUNTED)
    assert result.verdict == "violated"
    assert "contradicts itself" in result.sentence
    assert "job 1 is leased" in result.sentence
    assert result.outcomes["stuck"] == 1
    assert any("contradicts itself" in line for line in result.story)
    ends_s = result.duration_s
    assert patience_s(KILLED) < ends_s < patience_s(KILLED) + 10.0, "and not only at the deadline"


class Overdue:
    """A queue that always has something due at 1 s and never hands anything out."""

    def __init__(self) -> None:
        self.calls = 0

    def call(self, command: Command) -> Reply:
        self.calls += 1
        return Leased(None)

    def next_change_at(self, queues: tuple[str, ...]) -> float | None:
        return 1.0

    def crash(self) -> None:
        pass


def test_who_waits_a_month_for_what_is_overdue_looks_again_less_and_less_often() -> None:
    clock, queue = Clock(), Overdue()
    network = SimulatedNetwork(clock, WallClocks(clock, KILLED), queue, KILLED)

    def worker() -> Steps:
        yield from network.attempt(Lease("w", ("q",), 1.0, wait_s=MONTH_S), caller)
        clock.stop()

    process = Process(clock, worker())
    caller = SimpleNamespace(number=0, wake=process.wake)
    clock.run_until_stopped()
    assert clock.now > MONTH_S
    assert 100 < queue.calls < 2_000


def test_what_is_stuck_is_never_held_whatever_the_plan_asks_for() -> None:
    plan = replace(KILLED, guarantees=("no_duplicated_effects",))
    assert simulated(UNCOUNTED, plan).verdict == "violated"
    assert simulated(REFERENCE, plan).verdict == "held"


def test_patience_outlasts_every_lease_backoff_and_delay() -> None:
    delayed = replace(KILLED, jobs=(PlannedJob(0.0, 0, 0.2, delay_s=300.0),), faults=())
    assert simulated(counting(lambda depth: depth.waiting or 0), delayed).outcomes["done"] == 1
