"""How many workers: what crashes add, simulation against formulas, and the answer.

Every simulation has a fixed seed, so that a test gives the same answer on any day. Where many
intervals must hold at once their confidence is 99.9 %; that the stated 95 % are 95 % is a test
of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from fractions import Fraction
from math import exp, inf, isclose
from typing import Any

import numpy as np
import pytest
import simpy
from hypothesis import given
from hypothesis import strategies as st
from jobquake.capacity import times
from jobquake.capacity.load import NO_MISHAPS, Asked, Mishaps, Traffic, load
from jobquake.capacity.simulate import (
    Simulated,
    TooLong,
    simulate,
    student_t,
    waits,
    waits_with_redelivery,
)
from jobquake.capacity.sizing import Question, SizingError, by_formula, fewest, size
from jobquake.capacity.times import BoundedPareto, Deterministic, Exponential, Times
from jobquake.capacity.waiting import GGC, MDC, MGC, MMC, formula, wait

SURE = 0.999
P95 = 0.95


def poisson_traffic(per_s: float, service: Times, mishaps: Mishaps = NO_MISHAPS) -> Traffic:
    return Traffic(Exponential(1.0 / per_s), service, mishaps)


def simulated(traffic: Traffic, workers: int, seed: int = 1, **options: Any) -> Simulated:
    return simulate(traffic, load(traffic), workers, P95, seed, **options)


# -- the load, with what crashes and retries add ------------------------------------------


@given(st.floats(0.0, 1.0), st.integers(1, 12))
def test_failures_alone_multiply_the_load_by_the_geometric_sum(failing: float, most: int) -> None:
    carried = load(poisson_traffic(5.0, Exponential(0.3), Mishaps(failing, max_deliveries=most)))
    exact = sum(Fraction(failing) ** n for n in range(most))
    assert carried.deliveries_per_job == pytest.approx(float(exact), rel=1e-9)
    assert carried.erlangs == pytest.approx(1.5 * float(exact), rel=1e-9)
    assert carried.occupied_scv == pytest.approx(1.0, rel=1e-9)
    assert carried.dead_letters == pytest.approx(failing**most, rel=1e-9)
    assert carried.arrival_scv == pytest.approx(1.0)


def test_a_crash_costs_the_work_done_so_far_and_the_restart() -> None:
    rate, service, restart = 0.5, 2.0, 3.0
    mishaps = Mishaps(crashes_per_s=rate, max_deliveries=1, restart_s=restart)
    carried = load(poisson_traffic(1.0, Deterministic(service), mishaps))
    crashed = 1.0 - exp(-rate * service)
    assert carried.dead_letters == pytest.approx(crashed)
    assert carried.occupied_s == pytest.approx(crashed / rate + crashed * restart)
    drawn = np.random.default_rng(0).exponential(1.0 / rate, 400_000)
    busy = np.minimum(drawn, service) + restart * (drawn < service)
    assert carried.occupied_s == pytest.approx(busy.mean(), rel=5e-3)
    assert carried.occupied_scv == pytest.approx(busy.var() / busy.mean() ** 2, rel=1e-2)


@given(st.sampled_from([Exponential(0.2), times.Lognormal(0.2, 4.0), times.Pareto(0.2, 9.0)]))
def test_crashes_that_are_rare_enough_change_nothing(service: Times) -> None:
    without = load(poisson_traffic(1.0, service))
    rare = load(poisson_traffic(1.0, service, Mishaps(crashes_per_s=1e-9)))
    assert without.occupied_s == pytest.approx(service.mean_s, rel=1e-12)
    assert without.occupied_scv == pytest.approx(service.scv, rel=1e-9)
    assert rare.erlangs == pytest.approx(without.erlangs, rel=1e-6)
    assert rare.occupied_scv == pytest.approx(without.occupied_scv, rel=1e-5)


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_the_fewest_stable_workers_are_the_first_that_are_not_wholly_used(
    per_s: float, service_s: float
) -> None:
    carried = load(poisson_traffic(per_s, Exponential(service_s)))
    assert carried.fewest_stable > carried.erlangs
    assert carried.fewest_stable - 1 <= carried.erlangs * (1 + 1e-11)
    assert carried.growth_per_s(carried.fewest_stable) == 0.0


def test_a_load_of_just_eight_erlangs_needs_nine_workers_whatever_the_rounding() -> None:
    for service_s in (0.1, 0.2, 0.3, 0.7, 1.1):
        carried = load(poisson_traffic(8.0 / service_s, Exponential(service_s)))
        assert carried.fewest_stable == 9


# -- the simulation -----------------------------------------------------------------------


Fate = Callable[[float, float], tuple[float, float | None]]


def simpy_waits(
    arrivals_s: list[float], services_s: list[float], workers: int, fate: Fate, most: int
) -> list[float]:
    """The same queue told with the events and processes of simpy."""
    env = simpy.Environment()
    pool = simpy.Resource(env, workers)
    waited: list[float] = []

    def job(service: float) -> Generator[simpy.Event, Any, None]:
        for _ in range(most):
            ready, place = env.now, len(waited)
            waited.append(inf)
            with pool.request() as turn:
                yield turn
                waited[place] = env.now - ready
                free_at, ready_at = fate(env.now, service)
                yield env.timeout(free_at - env.now)
            if ready_at is None:
                return
            yield env.timeout(ready_at - env.now)

    def source() -> Generator[simpy.Event, Any, None]:
        for at_s, service in zip(arrivals_s, services_s, strict=True):
            yield env.timeout(at_s - env.now)
            env.process(job(service))

    env.process(source())
    env.run()
    return waited


def arithmetic_fate(start: float, service: float) -> tuple[float, float | None]:
    """A fate without chance, so that two simulations can be held against each other."""
    ending = int(service * 1e6) % 10
    if ending == 0:
        return start + service / 2 + 0.3, start + service / 2 + 1.7  # crashed
    return start + service, start + service + 0.4 if ending < 3 else None


@pytest.mark.parametrize("workers", [1, 3, 10])
def test_the_recursion_gives_every_delivery_the_wait_that_simpy_gives_it(workers: int) -> None:
    rng = np.random.default_rng(workers)
    arrivals = np.cumsum(rng.exponential(1.0 / (0.7 * workers), 3000)).tolist()
    services = rng.lognormal(-0.5, 1.0, 3000).tolist()
    once = simpy_waits(arrivals, services, workers, lambda at, s: (at + s, None), 1)
    assert waits(arrivals, services, workers) == pytest.approx(once, abs=1e-9)
    ours = waits_with_redelivery(arrivals, services, workers, arithmetic_fate, 4)
    theirs = simpy_waits(arrivals, services, workers, arithmetic_fate, 4)
    assert len(ours) > 3300, "jobs were delivered again"
    assert ours == pytest.approx(theirs[: len(ours)], abs=1e-9)


@pytest.mark.parametrize(
    ("service", "workers"),
    [
        (Exponential(0.2), 9),
        (Exponential(0.2), 12),
        (Deterministic(0.2), 9),
        (Deterministic(0.2), 10),
    ],
    ids=lambda value: str(value),
)
def test_simulation_and_formula_agree_where_the_formula_is_exact(
    service: Times, workers: int
) -> None:
    traffic = poisson_traffic(40.0, service)
    assert formula(traffic).exact
    told = wait(formula(traffic), load(traffic), workers)
    seen = simulated(traffic, workers, confidence=SURE)
    assert seen.waited.holds(told.longer_than(0.0))
    assert seen.mean_s.holds(told.mean_s)
    assert seen.percentile_s.holds(told.percentile_s(P95))
    assert seen.percentile_s.high < 1.2 * told.percentile_s(P95), "and the interval says something"


def test_the_mean_wait_of_a_heavy_tail_on_one_worker_is_that_of_pollaczek_and_khinchine() -> None:
    service = BoundedPareto(least_s=0.1, most_s=20.0, shape=1.5)
    assert service.scv > 4.0
    used = 0.6
    traffic = poisson_traffic(used / service.mean_s, service)
    by_hand = used / (1.0 - used) * service.mean_s * (1.0 + service.scv) / 2.0
    told = wait(formula(traffic), load(traffic), 1)
    seen = simulated(traffic, 1, confidence=SURE)
    assert formula(traffic) == MGC
    assert told.mean_s == pytest.approx(by_hand, rel=1e-6)
    assert seen.mean_s.holds(by_hand)
    assert seen.waited.holds(used)
    assert seen.mean_s.high < 1.25 * by_hand


@pytest.mark.parametrize("service", [Exponential(1.0), Deterministic(1.0)], ids=str)
def test_about_95_of_100_intervals_of_95_percent_hold_the_exact_value(service: Times) -> None:
    traffic = poisson_traffic(1.4, service)
    told = wait(formula(traffic), load(traffic), 2)
    runs = [simulated(traffic, 2, seed, replications=10, deliveries=25_000) for seed in range(100)]
    held = {
        "waited": sum(run.waited.holds(told.longer_than(0.0)) for run in runs),
        "mean": sum(run.mean_s.holds(told.mean_s) for run in runs),
        "percentile": sum(run.percentile_s.holds(told.percentile_s(P95)) for run in runs),
    }
    assert all(88 <= count <= 100 for count in held.values()), held


def test_repetitions_and_crashes_are_simulated_as_the_load_counts_them() -> None:
    mishaps = Mishaps(0.15, crashes_per_s=0.2, max_deliveries=3, restart_s=0.4, lease_s=2.0)
    traffic = poisson_traffic(20.0, Exponential(0.2), mishaps)
    carried = load(traffic)
    told = wait(formula(traffic), carried, 7)
    seen = simulated(traffic, 7, confidence=SURE, deliveries=1_000_000)
    assert not formula(traffic).exact
    # The formula is approximate here; near means that the load was counted right.
    assert seen.mean_s.value == pytest.approx(told.mean_s, rel=0.15)
    assert seen.waited.value == pytest.approx(told.longer_than(0.0), rel=0.05)
    uncounted = wait(MMC, load(poisson_traffic(20.0, Exponential(0.2))), 7)
    assert seen.mean_s.low > 2.0 * uncounted.mean_s


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others() -> None:
    traffic = poisson_traffic(1.0, Exponential(0.5), Mishaps(0.1, 0.01))
    one, same, other = (
        simulated(traffic, 1, seed, replications=3, deliveries=6000) for seed in (5, 5, 6)
    )
    assert one == same != other


def test_what_no_reasonable_run_can_show_is_not_simulated_but_said_to_be() -> None:
    with pytest.raises(TooLong, match="to warm up"):
        simulated(poisson_traffic(9.999, Exponential(1.0)), 10)
    quiet = poisson_traffic(1.0, Exponential(1.0))
    with pytest.raises(TooLong, match="to see the percentile"):
        simulate(quiet, load(quiet), 2, 0.9999999, 1)


def test_what_is_measured_comes_after_the_first_jobs_have_come_back_for_the_last_time() -> None:
    endless = Mishaps(1.0, max_deliveries=5, retry_s=30.0)
    traffic = poisson_traffic(2.0, Exponential(0.1), endless)
    told = wait(formula(traffic), load(traffic), 2)
    seen = simulated(traffic, 2, deliveries=400_000)
    assert seen.deliveries >= 400_000
    assert seen.waited.value == pytest.approx(told.longer_than(0.0), rel=0.05)
    assert seen.mean_s.value == pytest.approx(told.mean_s, rel=0.1)


@pytest.mark.parametrize(
    ("confidence", "freedom", "printed"),
    [(0.95, 9, 2.262), (0.95, 19, 2.093), (0.99, 19, 2.861), (0.95, 29, 2.045), (0.999, 19, 3.883)],
)
def test_students_t_is_what_the_tables_print(
    confidence: float, freedom: int, printed: float
) -> None:
    assert student_t(confidence, freedom) == pytest.approx(printed, abs=1.5e-3)


# -- distributions ------------------------------------------------------------------------


DISTRIBUTIONS = [
    times.given(0.3),
    times.given(0.3, 0.0),
    times.given(0.3, 2.0),
    times.given(0.3, 0.4, "pareto"),
    BoundedPareto(0.1, 20.0, 1.5),
    BoundedPareto(0.1, 20.0, 1.0),
    times.Sample(np.array([0.1, 0.2, 0.2, 0.9])),
]


@pytest.mark.parametrize("service", DISTRIBUTIONS, ids=lambda s: type(s).__name__)
def test_a_distribution_draws_with_the_moments_and_quantiles_that_it_states(
    service: Times,
) -> None:
    drawn = service.draw(np.random.default_rng(0), 400_000)
    assert drawn.min() >= 0.0
    assert drawn.mean() == pytest.approx(service.mean_s, rel=0.02)
    if not isinstance(service, times.Sample):  # it states the variance of what it was drawn from
        assert drawn.var() / drawn.mean() ** 2 == pytest.approx(service.scv, rel=0.15)
    middle = service.quantiles(np.array([0.5]))[0]
    assert isclose(float(np.median(drawn)), middle, rel_tol=0.02)


# -- the answer ---------------------------------------------------------------------------


@given(st.integers(1, 50), st.integers(0, 3000), st.integers(0, 3000))
def test_the_search_finds_the_smallest_number_that_meets_from_any_guess(
    lowest: int, more: int, guess: int
) -> None:
    wanted = lowest + more
    asked: list[int] = []

    def meets(number: int) -> bool:
        asked.append(number)
        return number >= wanted

    assert fewest(meets, lowest, lowest + guess) == wanted
    assert min(asked) >= lowest
    assert len(asked) <= 40


@given(
    st.sampled_from([Exponential(0.2), Deterministic(0.2), times.Lognormal(0.2, 4.0)]),
    st.floats(0.5, 500.0),
    st.floats(0.0, 2.0),
    st.floats(0.5, 0.999),
)
def test_one_worker_fewer_than_the_answer_waits_too_long_or_is_drowned(
    service: Times, per_s: float, bound_s: float, share: float
) -> None:
    traffic = poisson_traffic(per_s, service)
    carried, best = load(traffic), formula(traffic)
    answer = by_formula(carried, best, Question(bound_s, share))
    assert wait(best, carried, answer).longer_than(bound_s) <= 1.0 - share + 1e-9
    if answer > carried.fewest_stable:
        assert wait(best, carried, answer - 1).longer_than(bound_s) > 1.0 - share
    else:
        with pytest.raises(ValueError, match="workers"):
            wait(best, carried, answer - 1)


def test_each_traffic_gets_the_best_formula_and_only_exact_ones_are_called_exact() -> None:
    given_times = times.given
    for service, best in ((None, MMC), (0.0, MDC), (0.5, MGC)):
        assert formula(poisson_traffic(1.0, given_times(1.0, service))) == best
    assert formula(poisson_traffic(1.0, given_times(1.0), Mishaps(0.1))) == MGC
    assert formula(Traffic(given_times(1.0, 2.0), given_times(1.0))) == GGC
    assert [best.exact for best in (MMC, MDC, MGC, GGC)] == [True, True, False, False]


def test_an_exact_formula_decides_and_the_simulation_stands_beside_it() -> None:
    told = size(
        Asked("mail", poisson_traffic(4.0, Exponential(0.5))),
        Question(1.0, P95),
        deliveries=400_000,
    )
    assert (told.workers, told.fewest_stable, told.formula) == (4, 3, MMC)
    verdicts = {row.workers: row.verdict for row in told.rows}
    assert verdicts == {2: "grows for ever", 3: "too few", 4: "meets", 5: "meets"}
    assert told.rows[0].simulated is None
    for row in told.rows[1:]:
        assert row.simulated
        assert row.formula_s == pytest.approx(row.simulated.percentile_s.value, abs=0.1)
    assert told.sentence.startswith("4 workers: 95 % of the deliveries wait at most ")


def test_where_the_formula_is_far_off_the_simulation_decides() -> None:
    told = size(
        Asked("mail", poisson_traffic(40.0, times.given(0.2, 3.0, "pareto"))),
        Question(0.1, P95),
        deliveries=400_000,
    )
    proposed = by_formula(told.load, told.formula, told.question)
    assert told.workers < proposed, "Erlang C makes too much of a few endless jobs"
    verdicts = {row.workers: row.verdict for row in told.rows}
    assert verdicts[told.workers] == "meets"
    assert verdicts[told.workers - 1] in ("too few", "undecided")
    assert "(simulated)" in told.sentence


def test_a_load_beyond_all_bounds_is_refused_in_a_sentence() -> None:
    with pytest.raises(SizingError, match="expected a load for at most 100000 workers"):
        size(Asked("mail", poisson_traffic(1e6, Exponential(1.0))), Question(1.0, P95))
