"""The shrinker: what it hands over still fails, nothing of it is superfluous, and it is told."""

from __future__ import annotations

import ast
from pathlib import Path
from random import Random

import pytest
from jobquake.backends import registry
from jobquake.harness.explore.draw import draw
from jobquake.harness.explore.shard import explore_shard
from jobquake.harness.explore.swarm import Space, everything, swarm
from jobquake.harness.faults.fault import Fault
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.faults.net_fault import NetFault
from jobquake.harness.faults.outage import Outage
from jobquake.harness.faults.partition import Partition
from jobquake.harness.faults.pause_at import PauseAt
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue
from jobquake.harness.plan.replay import decode
from jobquake.harness.plan.validate import validate
from jobquake.harness.shrink.failure import shrunk_in_sim
from jobquake.harness.shrink.kept import KeptError, keep, kept
from jobquake.harness.shrink.likelihood import curve, other_future
from jobquake.harness.shrink.reproduction import Reproduction, trials_for, wilson
from jobquake.harness.shrink.shrink import breaks, shrink
from jobquake.harness.shrink.smaller import STEPS, without_jobs
from jobquake.harness.trial import attempt
from msgspec.structs import replace

REFERENCE = registry.find("reference")
TWINS = (
    "twin-ack-before-run", "twin-ack-without-token", "twin-key-per-delivery",
    "twin-shutdown-drops", "twin-not-durable", "twin-replay-drops", "twin-priority-ignored",
)  # fmt: skip


def failing(name: str) -> tuple[Plan, str]:
    twin = registry.find(name)
    for shard in range(20):
        seen = explore_shard(twin, 1, shard, oracle=REFERENCE)
        if seen.found:
            return decode(seen.found[0].replay).plan, seen.found[0].guarantee
    raise AssertionError(f"expected a finding on {name}, found none")


@pytest.mark.parametrize("name", TWINS)
def test_a_shrunk_plan_fails_and_no_single_removal_does(name: str) -> None:
    plan, guarantee = failing(name)
    fails = breaks(guarantee, registry.find(name), REFERENCE)
    shrunk = shrink(plan, guarantee, fails)
    assert shrunk.minimal
    assert fails(shrunk.plan)
    validate(shrunk.plan)
    small = shrunk.plan
    for number in range(len(small.faults)):
        assert not fails(replace(small, faults=small.faults[:number] + small.faults[number + 1 :]))
    if len(small.jobs) > 1:
        for index in range(len(small.jobs)):
            assert not fails(without_jobs(small, frozenset({index})))
    assert len(small.jobs) <= len(plan.jobs)
    assert len(small.faults) <= len(plan.faults)
    assert "trials" in shrunk.certificate


@pytest.mark.parametrize("name", ["twin-ack-without-token", "twin-shutdown-drops"])
def test_what_is_superfluous_around_a_failure_goes(name: str) -> None:
    plan, guarantee = failing(name)
    fails = breaks(guarantee, registry.find(name), REFERENCE)
    core = shrink(plan, guarantee, fails).plan
    rng = Random(1)
    noise = draw(rng, swarm(rng)._replace(shape="mixed", features=frozenset()), Space(), 1)
    noisy = replace(
        core,
        jobs=(*core.jobs, *(replace(job, at_s=job.at_s + 20.0, queue=0) for job in noise.jobs)),
        deadline_s=300.0,
    )
    assert fails(noisy)
    again = shrink(noisy, guarantee, fails).plan
    assert len(again.jobs) == len(core.jobs)
    assert len(again.faults) == len(core.faults)


def test_every_step_makes_valid_plans_that_are_not_larger() -> None:
    for seed in range(60):
        rng = Random(seed)
        plan = draw(rng, everything() if seed % 2 else swarm(rng, True), Space(), seed)
        for step in STEPS:
            for smaller in step(plan):
                validate(smaller)
                assert len(smaller.jobs) <= len(plan.jobs)
                assert len(smaller.faults) <= len(plan.faults)
                assert len(smaller.workers) <= len(plan.workers)


def plan_with(*faults: Fault, jobs: int = 3) -> Plan:
    return Plan(
        scenario="test",
        variant="default",
        seed=0,
        queues=(Queue("q"),),
        pools=(Pool("p", ("q",), 2),),
        jobs=tuple(PlannedJob(0.1 * index, 0, 0.1) for index in range(jobs)),
        faults=faults,
        guarantees=("no_lost_work",),
    )


def test_the_faults_of_a_job_go_and_move_with_it() -> None:
    plan = plan_with(KillAt(0, "mid_job"), PauseAt(2, "after_ack", 1.0), Outage(0.0, 1.0))
    assert without_jobs(plan, frozenset({0})).faults == (
        PauseAt(1, "after_ack", 1.0),
        Outage(0.0, 1.0),
    )


def test_who_submits_the_same_work_goes_with_the_first() -> None:
    plan = plan_with()
    plan = replace(plan, jobs=(*plan.jobs, PlannedJob(1.0, 0, 0.1, same_work_as=1)))
    assert len(without_jobs(plan, frozenset({1})).jobs) == 2
    assert without_jobs(plan, frozenset({0})).jobs[-1].same_work_as == 0


def test_a_plan_that_does_not_fail_cannot_be_shrunk() -> None:
    with pytest.raises(ValueError, match="expected a plan that fails"):
        shrink(plan_with(), "no_lost_work", lambda plan: False)


def test_an_end_of_the_trials_is_no_certificate() -> None:
    shrunk = shrink(plan_with(jobs=8), "no_lost_work", lambda plan: len(plan.jobs) > 1, 3)
    assert not shrunk.minimal
    assert "not proved minimal" in shrunk.certificate


def test_round_trips_and_jobs_are_shrunk_together() -> None:
    """A fault on the fifth enqueue needs five jobs, unless it moves along with them."""

    def fails(plan: Plan) -> bool:
        return any(
            isinstance(fault, NetFault) and fault.nth == len(plan.jobs) for fault in plan.faults
        )

    shrunk = shrink(plan_with(NetFault("enqueue", 5, "lose_reply"), jobs=5), "no_lost_work", fails)
    assert len(shrunk.plan.jobs) == 1
    assert shrunk.plan.faults == (NetFault("enqueue", 1, "lose_reply"),)


def test_workers_that_are_not_needed_go_and_their_faults_move_up() -> None:
    plan = plan_with(Partition((0, 2), 0.0, 1.0))
    plan = replace(plan, pools=(Pool("p", ("q",), 3),))

    def fails(plan: Plan) -> bool:
        return any(isinstance(fault, Partition) and fault.workers for fault in plan.faults)

    small = shrink(plan, "no_lost_work", fails).plan
    assert small.pools[0].workers == 1
    assert small.faults == (Partition((0,), 0.0, 1.0),)


def test_the_curve_ends_in_certainty_and_begins_below_it() -> None:
    plan, guarantee = failing("twin-ack-without-token")
    twin = registry.find("twin-ack-without-token")
    fails = breaks(guarantee, twin, REFERENCE)
    small = shrink(plan, guarantee, fails).plan
    found = curve(attempt(small, twin).facts, fails)
    assert found.moments[-1].likelihood == 1.0
    assert found.moments[0].likelihood < 1.0
    assert found.inevitable_s is not None
    assert found == curve(attempt(small, twin).facts, fails)


def test_another_future_keeps_the_past() -> None:
    plan = plan_with(KillAt(0, "mid_job"), KillAt(2, "mid_job"), jobs=3)
    plan = replace(plan, jobs=(*plan.jobs[:2], PlannedJob(5.0, 0, 0.1)))
    facts = attempt(plan, REFERENCE).facts
    changed = 0
    for seed in range(20):
        other = other_future(Random(seed), facts, 2.0)
        assert other.faults[0] == plan.faults[0]
        assert other.jobs[:2] == plan.jobs[:2]
        assert other.jobs[2].at_s > 2.0
        changed += other.faults[1] != plan.faults[1]
        past = attempt(other, REFERENCE).facts.history
        before = facts.history.rows[facts.history["t"] <= 2.0]
        assert past.rows[past["t"] <= 2.0].tobytes() == before.tobytes()
    assert changed > 10


def test_a_failure_is_told_kept_and_its_test_fails_until_it_is_mended() -> None:
    plan, guarantee = failing("twin-ack-without-token")
    from jobquake.harness.plan.replay import encode

    twin = registry.find("twin-ack-without-token")
    failure, run = shrunk_in_sim(encode(plan, twin.name, "sim"), guarantee, twin, "a test")
    assert run.result.verdict == "violated"
    assert failure.sentence == run.result.sentence
    assert failure.story
    ast.parse(failure.test)
    names: dict[str, object] = {}
    exec(compile(failure.test, "test", "exec"), names)
    test = names[f"test_{guarantee}"]
    assert callable(test)
    with pytest.raises(AssertionError, match="expected every guarantee to hold"):
        test()
    mended = failure.test.replace('"twin-ack-without-token"', '"reference"')
    exec(compile(mended, "test", "exec"), names)
    test = names[f"test_{guarantee}"]
    assert callable(test)
    test()


def test_kept_failures_are_read_again_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    from jobquake.harness.plan.replay import encode

    plan, guarantee = failing("twin-ack-before-run")
    twin = registry.find("twin-ack-before-run")
    failure, _ = shrunk_in_sim(encode(plan, twin.name, "sim"), guarantee, twin, "a test")
    folder = keep(failure, tmp_path)
    assert kept(twin.name, tmp_path) == [failure]
    assert kept("reference", tmp_path) == []
    (folder / "failure.json").write_text("{")
    with pytest.raises(KeptError, match="expected a kept failure"):
        kept(twin.name, tmp_path)


def test_rates_have_an_interval_and_few_trials_prove_little() -> None:
    low, high = wilson(10, 10)
    assert low == pytest.approx(0.722, abs=0.001)
    assert high == 1.0
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=0.0005)
    assert "3 of 4" in Reproduction(4, 3, 1).sentence
    assert trials_for(0.5, 0.95) == 5
    assert trials_for(1.0, 0.95) == 1
