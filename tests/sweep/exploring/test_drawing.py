"""What is drawn for an app: legal plans of few parts, the same for the same seed, and made less."""

from __future__ import annotations

from random import Random

import pytest
from jobquake.harness.faults.kill_worker import KillWorker
from jobquake.harness.plan.plan import Plan, PlannedJob
from jobquake.harness.plan.replay import decode, encode
from jobquake.harness.plan.validate import validate
from jobquake.sweep.boundaries import Boundary
from jobquake.sweep.exploring.draw import (
    FLOOD,
    KINDS,
    SHORT_S,
    Ground,
    Space,
    drawn,
    forced,
    mutated,
    patient,
    plan_of,
)
from jobquake.sweep.exploring.smaller import STEPS, bare, one_job
from jobquake.sweep.exploring.strikes import name_of, names_of, strike_at, told
from jobquake.sweep.exploring.trials import Trials, trials_for
from jobquake.sweep.ways import WAYS, way, ways_of
from support.pure_crew import ACK, GROUND, HOLD, POP, PUSH

PLANS = [drawn(Random(seed), GROUND, seed) for seed in range(300)]


def test_the_same_seed_draws_the_same_plan_and_another_one_another() -> None:
    assert [drawn(Random(seed), GROUND, seed) for seed in range(300)] == PLANS
    assert len({plan.faults for plan in PLANS}) > 200


def test_plans_are_legal_small_and_have_time_for_what_strikes_them() -> None:
    for plan in PLANS:
        validate(plan)
        assert decode(encode(plan, "shop:app", "process")).plan == plan
        assert 1 <= len(plan.faults) <= 3 and len(plan.workers) <= 2
        assert len(plan.jobs) <= Space().jobs + FLOOD[1] + 1
        lasts_s = sum(fault.lasts_s for fault in plan.faults)
        assert plan.deadline_s > max(job.at_s for job in plan.jobs) + lasts_s + SHORT_S


def test_every_boundary_way_and_kind_comes_and_mostly_two_at_a_time() -> None:
    names = {name for plan in PLANS for name in names_of(plan)}
    for place in GROUND.boundaries:
        for one in ways_of(place):
            assert f"{place.side}: {place.trip}, {one.name}" in names
    assert len(names) > 4 * len(ways_of(POP)) + len(KINDS)
    assert sum(len(plan.faults) == 2 for plan in PLANS) > len(PLANS) / 3
    assert any(len(plan.jobs) > FLOOD[0] for plan in PLANS)


def test_no_two_strikes_of_a_plan_are_meant_for_the_same_round_trip() -> None:
    one, two = (strike_at(HOLD, way(name), 0, 1) for name in ("killed before", "reset after"))
    jobs = [PlannedJob(1.0, 0, 0.05)]
    assert len(plan_of(GROUND, jobs, 1, [one, two]).faults) == 1
    each = [strike_at(POP, way("killed after"), job, 0) for job in (0, 1)]
    assert len(plan_of(GROUND, jobs * 2, 1, each).faults) == 2


@pytest.mark.parametrize("place", [PUSH, POP, HOLD, ACK])
@pytest.mark.parametrize("one", WAYS, ids=lambda way: way.name)
def test_a_strike_is_called_as_the_cell_of_a_sweep_whichever_job_it_meets(
    place: Boundary, one: object
) -> None:
    found = way(one.name)  # type: ignore[attr-defined]
    strikes = [strike_at(place, found, job, nth) for job, nth in ((0, place.nth), (3, place.nth))]
    assert {name_of(strike) for strike in strikes} == {f"{place.key}, {found.name}"}
    assert "(no. 2)" in told(strike_at(place, found, 1, 2))


def test_a_plan_is_struck_at_what_an_earlier_run_has_shown_first_in_its_recovery() -> None:
    restored = Boundary("worker", "RPUSH q", 2)
    plan, rng = PLANS[0], Random(1)
    plans = [forced(rng, GROUND, plan, [HOLD, restored]) for _ in range(40)]
    struck = [name for plan in plans for name in names_of(plan) if "RPUSH q" in name]
    assert len(struck) > 20
    for plan in plans:
        validate(plan)
        assert len(plan.faults) <= 3


def test_a_mutation_is_a_legal_plan_with_a_small_change() -> None:
    for seed in range(100):
        changed = mutated(Random(seed), GROUND, PLANS[seed])
        validate(changed)
        assert abs(len(changed.faults) - len(PLANS[seed].faults)) <= 1
        assert len(changed.jobs) == len(PLANS[seed].jobs)


def test_a_patient_plan_differs_only_in_how_long_its_run_waits() -> None:
    for plan in PLANS[:20]:
        longer = patient(GROUND, plan)
        assert (longer.jobs, longer.faults) == (plan.jobs, plan.faults)
        assert longer.recovery_s == GROUND.waits_s
        assert round(longer.deadline_s - plan.deadline_s, 6) == GROUND.waits_s - SHORT_S
    quick = Ground("q", (PUSH,), 5.0, 5.0)
    plan = drawn(Random(0), quick, 0)
    assert patient(quick, plan) == plan


def test_every_step_makes_legal_plans_that_are_not_larger() -> None:
    def size(plan: Plan) -> tuple[int, ...]:
        return len(plan.jobs), len(plan.faults), len(plan.workers), plan.producers

    for plan in PLANS[:30]:
        for step in STEPS:
            for smaller in step(plan):
                validate(smaller)
                assert all(
                    less <= more for less, more in zip(size(smaller), size(plan), strict=True)
                )


def test_the_barest_plan_is_one_strike_one_job_and_one_worker() -> None:
    jobs = [PlannedJob(at_s, 0, 0.05) for at_s in (1.0, 1.5, 2.0)]
    third = strike_at(HOLD, way("killed before"), 2, 3)
    popped = strike_at(POP, way("killed after"), 1, 0)
    plan = plan_of(GROUND, jobs, 2, [third, popped, KillWorker(1, 2.0)])
    found = list(bare(plan))
    assert {(len(p.jobs), len(p.workers), len(p.faults)) for p in found} == {(1, 1, 1)}
    assert [p.faults[0] for p in found] == [
        strike_at(HOLD, way("killed before"), 0, 1),
        strike_at(HOLD, way("killed before"), 0, 3),
        strike_at(POP, way("killed after"), 0, 0),
        KillWorker(0, 2.0),
    ]
    (sooner, later) = one_job(plan)
    assert [p.faults[0] for p in (sooner, later)] == [found[0].faults[0], found[1].faults[0]]
    assert {(len(p.jobs), len(p.workers), len(p.faults)) for p in (sooner, later)} == {(1, 1, 3)}


def test_what_breaks_always_is_asked_twice_and_what_breaks_seldom_often() -> None:
    assert [trials_for(broke, 5) for broke in (5, 4, 1)] == [
        Trials(3, 2), Trials(4, 2), Trials(12, 1),
    ]  # fmt: skip
    asked = trials_for(5, 5)
    answers = [asked.answer(*runs) for runs in ((0, 0), (1, 1), (2, 1), (2, 0), (0, 2))]
    assert answers == [None, None, True, True, False]
