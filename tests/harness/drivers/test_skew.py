"""Clocks that are wrong: the queue's time does not jump, and only who trusts one suffers."""

from __future__ import annotations

from dataclasses import replace as with_fields
from pathlib import Path
from random import Random

import pytest
from jobquake.backends import registry as backends
from jobquake.backends.reference.adapter import ReferenceAdapter
from jobquake.backends.reference.core import CORRECT
from jobquake.backends.reference.queue import ReferenceQueue
from jobquake.backends.reference.stores.sqlite import SQLiteStore
from jobquake.harness.drivers.clock import Clock as VirtualTime
from jobquake.harness.drivers.sim import simulate
from jobquake.harness.drivers.skew import WallClocks
from jobquake.harness.faults.fields import SERVER
from jobquake.harness.faults.skew_clock import SkewClock
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue
from jobquake.harness.record.facts import Facts
from jobquake.harness.record.story import tell
from jobquake.harness.result import Result, judge
from jobquake.harness.run import run
from jobquake.protocol.clock import Clock, anchored
from jobquake.protocol.commands import Ack, Enqueue, Job, Lease, Leased, Nack, Settled
from jobquake.scenarios import registry as scenarios
from msgspec.structs import replace

HOUR_S = 3600.0
LEASE_S = 10.0
ONE_JOB = Plan(
    scenario="one job",
    variant="default",
    seed=1,
    queues=(Queue("orders"),),
    pools=(Pool("orders", ("orders",), 1),),
    jobs=(PlannedJob(0.0, 0, 1.0),),
    faults=(),
    guarantees=("no_lost_work", "faults_hit"),
    must_hit=(("skewed clock", "running"),),
)


class Hands:
    """Clocks that a test sets by hand."""

    def __init__(self) -> None:
        self.true_s = 500.0
        self.wall_s = 1_790_000_000.0

    def pass_by(self, seconds: float) -> None:
        self.true_s += seconds
        self.wall_s += seconds

    def clock(self) -> Clock:
        return Clock(lambda: self.true_s, lambda: self.wall_s, lambda: 0.0)


@pytest.fixture
def hands() -> Hands:
    return Hands()


def simulated(backend: str, plan: Plan) -> Result:
    adapter = backends.find(backend)
    return judge(plan, adapter, simulate(plan, adapter), "sim")


# -- the time of a queue ------------------------------------------------------------------


@pytest.mark.parametrize("jump_s", [-HOUR_S, HOUR_S])
def test_the_time_of_a_queue_starts_at_the_wall_clock_and_does_not_jump_with_it(
    hands: Hands, jump_s: float
) -> None:
    now = anchored(hands.clock())
    assert now() == hands.wall_s
    hands.wall_s += jump_s
    hands.pass_by(2.0)
    assert now() == 1_790_000_002.0


def test_a_queue_that_starts_never_goes_back_behind_what_its_store_tells(hands: Hands) -> None:
    last = hands.wall_s + HOUR_S
    now = anchored(hands.clock(), last)
    hands.pass_by(1.0)
    assert now() == last + 1.0
    assert anchored(hands.clock(), hands.wall_s - HOUR_S)() == hands.wall_s


class Served:
    """The queue in one file, served by one process after the other."""

    def __init__(self, file: Path, hands: Hands) -> None:
        self._file, self._hands = file, hands
        self.restart()

    def restart(self) -> None:
        store = SQLiteStore(self._file)
        self.queue = ReferenceQueue(store, self._hands.clock(), Random(0))

    def lease(self) -> int | None:
        """The token of the delivery, if there is one."""
        reply = self.queue.call(Lease("w", ("mail",), LEASE_S))
        assert isinstance(reply, Leased)
        return reply.delivery.token if reply.delivery else None

    def ack(self, token: int) -> bool:
        reply = self.queue.call(Ack("the-job", token))
        assert isinstance(reply, Settled)
        return reply.accepted


@pytest.fixture
def served(tmp_path: Path, hands: Hands) -> Served:
    one = Served(tmp_path / "queue.db", hands)
    one.queue.call(Enqueue(Job("the-job", "mail")))
    return one


def test_a_lease_lasts_no_longer_because_the_server_came_back_with_its_clock_put_back(
    served: Served, hands: Hands
) -> None:
    hands.pass_by(100.0)
    assert served.lease() == 1
    hands.wall_s -= HOUR_S
    served.restart()
    hands.pass_by(LEASE_S - 1.0)
    assert served.queue.reap() == 0
    hands.pass_by(1.0)
    assert served.queue.reap() == 1


def test_what_ended_last_holds_the_time_of_a_server_whose_clock_was_put_back(
    served: Served, hands: Hands
) -> None:
    served.queue.call(Enqueue(Job("bad", "mail", priority=1)))
    assert served.lease() == 1
    hands.pass_by(5.0)
    served.queue.call(Nack("bad", 1, "no", permanent=True))
    ended_at = served.queue.now()
    hands.wall_s -= HOUR_S
    served.restart()
    assert served.queue.now() == ended_at


def test_a_server_that_came_back_with_its_clock_put_ahead_ends_leases_early_and_fences(
    served: Served, hands: Hands
) -> None:
    assert served.lease() == 1
    hands.wall_s += HOUR_S
    served.restart()
    assert served.queue.reap() == 1
    hands.pass_by(HOUR_S)  # beyond any backoff
    assert served.lease() == 2
    assert not served.ack(1)
    assert served.ack(2)


# -- clocks in virtual time ---------------------------------------------------------------


def test_skews_of_one_clock_add_up_leave_the_others_alone_and_leave_no_trace() -> None:
    time = VirtualTime()
    skews = (SkewClock(SERVER, 1.0, 0.1, 3.0), SkewClock(SERVER, 2.0, -60.0, 1.0))
    walls = WallClocks(time, replace(ONE_JOB, faults=skews))
    seen = {}
    for at_s in (0.5, 1.5, 2.5, 3.5, 4.5):
        time.run(until=at_s)
        walls.calling = 0
        clock = walls.of_queue()
        seen[at_s] = clock.wall() - at_s
        assert clock.monotonic() == clock.caller() == at_s
    assert seen == pytest.approx({0.5: 0.0, 1.5: 0.1, 2.5: -59.9, 3.5: 0.1, 4.5: 0.0})
    assert (seen[0.5], seen[4.5]) == (0.0, 0.0), "exactly, so that a run stays what it was"


@pytest.mark.parametrize("by_s", [HOUR_S, -HOUR_S])
@pytest.mark.parametrize("node", [0, SERVER])
def test_a_skew_strikes_who_holds_a_job_and_its_story_tells_it(node: int, by_s: float) -> None:
    plan = replace(ONE_JOB, faults=(SkewClock(node, 0.5, by_s, 0.2),))
    result = simulated("reference", plan)
    assert result.verdict == "held", result.sentence
    assert ("skewed clock", "running") in {(bite.fault, bite.phase) for bite in result.bites}
    adapter = backends.find("reference")
    story = tell(Facts(plan, adapter.claims, simulate(plan, adapter)), 0)
    whose = "the queue's server" if node == SERVER else "w1"
    way = "ahead" if by_s > 0 else "back"
    told = f"the clock of {whose} jumped 3600.00 s {way}, and was put right 0.20 s later"
    assert sum(told in line for line in story) == 1


def test_a_skew_of_a_worker_that_holds_nothing_or_is_not_there_strikes_no_job() -> None:
    for node in (0, 7):
        plan = replace(ONE_JOB, faults=(SkewClock(node, 5.0, HOUR_S, 1.0),))
        result = simulated("reference", plan)
        assert result.verdict == "inconclusive"
        assert result.sentence == (
            "no skewed clock struck a job in phase 'running'; "
            "clocks can be skewed in virtual and in leaping time only"
        )


SKEWED = replace(ONE_JOB, faults=(SkewClock(SERVER, 0.5, HOUR_S, 0.2),))


def test_in_real_time_processes_share_one_clock_so_a_skew_proves_nothing_and_the_run_says_so() -> (
    None
):
    result = run(SKEWED, backends.find("reference"), "process", time="real").result
    assert result.verdict == "inconclusive"
    assert result.sentence.endswith("clocks can be skewed in virtual and in leaping time only")


def test_in_leaping_time_the_server_reads_a_wall_clock_that_is_wrong() -> None:
    assert run(SKEWED, backends.find("reference"), "process", time="leap").result.verdict == "held"
    twin = backends.find("twin-wall-clock")
    plan = scenarios.find("clock-skew").plan(0)
    assert run(plan, twin, "process", time="leap").result.verdict == "violated"


# -- the scenario -------------------------------------------------------------------------


def test_a_queue_that_anchors_on_any_wall_clock_after_a_crash_is_found_wanting() -> None:
    forgetful = CORRECT._replace(time=lambda clock, last: anchored(clock))
    reference = backends.find("reference")
    assert isinstance(reference, ReferenceAdapter)
    adapter = with_fields(reference, decisions=forgetful)
    plans = [scenarios.find("clock-skew").plan(seed) for seed in range(3)]
    results = [judge(plan, adapter, simulate(plan, adapter), "sim") for plan in plans]
    assert "progress_after_heal" in {
        check.name for result in results for check in result.checks if check.verdict == "violated"
    }


@pytest.mark.parametrize("twin", ["twin-wall-clock", "twin-lease-by-worker-clock"])
def test_a_queue_that_trusts_a_wrong_clock_is_innocent_as_long_as_all_clocks_are_right(
    twin: str,
) -> None:
    for seed in range(20):
        plan = scenarios.find("clock-skew").plan(seed)
        right = tuple(fault for fault in plan.faults if not isinstance(fault, SkewClock))
        plan = replace(plan, faults=right, must_hit=())
        result = simulated(twin, plan)
        assert result.verdict == "held", result.sentence
