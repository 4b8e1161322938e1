"""Erlang's formulas and M/D/c, against published tables, exact sums and their own equations."""

from __future__ import annotations

from fractions import Fraction
from math import exp, factorial, floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jobquake.capacity.constant import mdc
from jobquake.capacity.erlang import erlang_b, erlang_c, mmc

# What textbooks and call-centre handbooks print: workers, erlangs, probability of waiting. The
# last is their standing example of 360 calls of 4 minutes in half an hour for 55 agents.
PUBLISHED_C = [
    (1, 0.5, "0.500"),
    (2, 1.0, "0.333"),
    (3, 2.0, "0.444"),
    (5, 4.0, "0.554"),
    (10, 8.0, "0.409"),
    (11, 10.0, "0.682"),
    (14, 10.0, "0.174"),
    (55, 48.0, "0.239"),
]
# Trunk tables: lines, and the load in erlangs that loses 1 % or 2 % of the calls.
PUBLISHED_B = [
    (5, 1.361, 0.01), (10, 4.461, 0.01), (20, 12.03, 0.01), (50, 37.90, 0.01), (100, 84.06, 0.01),
    (10, 5.084, 0.02), (20, 13.18, 0.02), (30, 21.93, 0.02), (50, 40.26, 0.02), (100, 87.97, 0.02),
]  # fmt: skip


# -- Erlang's formulas --------------------------------------------------------------------


@pytest.mark.parametrize(("workers", "erlangs", "printed"), PUBLISHED_C)
def test_erlang_c_is_what_the_tables_print(workers: int, erlangs: float, printed: str) -> None:
    assert f"{erlang_c(workers, erlangs):.3f}" == printed


@pytest.mark.parametrize(("lines", "erlangs", "lost"), PUBLISHED_B)
def test_erlang_b_is_what_the_trunk_tables_print(lines: int, erlangs: float, lost: float) -> None:
    assert erlang_b(lines, erlangs) == pytest.approx(lost, rel=2e-3)


def by_definition(workers: int, erlangs: Fraction) -> tuple[Fraction, Fraction]:
    """B and C as sums of exact fractions."""
    terms = [erlangs**k / factorial(k) for k in range(workers + 1)]
    waiting = terms[-1] * workers / (workers - erlangs)
    return terms[-1] / sum(terms), waiting / (sum(terms[:-1]) + waiting)


@given(st.integers(1, 120), st.fractions(Fraction(1, 1000), Fraction(999, 1000)))
def test_the_recursion_agrees_with_the_defining_sums_in_exact_fractions(
    workers: int, used: Fraction
) -> None:
    lost, waiting = by_definition(workers, used * workers)
    erlangs = float(used * workers)
    assert erlang_b(workers, erlangs) == pytest.approx(float(lost), rel=1e-9, abs=1e-300)
    assert erlang_c(workers, erlangs) == pytest.approx(float(waiting), rel=1e-9, abs=1e-300)


def test_the_recursion_neither_overflows_nor_loses_its_way_with_many_workers() -> None:
    assert erlang_b(100_000, 1.0) == 0.0
    assert 0.0 < erlang_c(100_000, 99_000.0) < 0.01
    assert erlang_b(0, 5.0) == 1.0
    assert erlang_b(3, 0.0) == 0.0
    assert erlang_c(4, 4.0) == 1.0


@given(st.integers(1, 300), st.floats(0.01, 0.99))
def test_more_workers_wait_less_and_more_load_waits_more(workers: int, used: float) -> None:
    erlangs = used * workers
    assert erlang_c(workers + 1, erlangs) <= erlang_c(workers, erlangs)
    assert erlang_c(workers, erlangs) <= erlang_c(workers, erlangs * 1.01)
    assert erlang_b(workers, erlangs) <= erlang_c(workers, erlangs)


@given(st.integers(1, 50), st.floats(0.05, 0.98), st.floats(0.5, 0.9999))
def test_a_percentile_is_the_wait_that_is_exceeded_with_what_is_left(
    workers: int, used: float, share: float
) -> None:
    for waited in (mmc(workers, used * workers, 1.0), mdc(workers, used * workers, 1.0)):
        wait_s = waited.percentile_s(share)
        assert waited.longer_than(wait_s) <= 1.0 - share + 1e-9
        if wait_s > 0.0:
            assert waited.longer_than(wait_s) == pytest.approx(1.0 - share, abs=1e-7)


# -- M/D/c --------------------------------------------------------------------------------


def crommelin_for_one_worker(used: float, wait_s: float) -> float:
    """P(W > t) in M/D/1 with D = 1, by the classical sum; its signs alternate."""
    total = 0.0
    for k in range(floor(wait_s) + 1):
        x = used * (k - wait_s)
        total += x**k / factorial(k) * exp(-x)
    return 1.0 - (1.0 - used) * total


@given(st.floats(0.05, 0.98), st.floats(0.0, 6.0))
def test_constant_service_agrees_with_the_classical_sum_for_one_worker(
    used: float, wait_s: float
) -> None:
    waited = mdc(1, used, 1.0)
    assert waited.longer_than(wait_s) == pytest.approx(
        crommelin_for_one_worker(used, wait_s), abs=1e-9
    )
    assert waited.mean_s == pytest.approx(used / (2.0 * (1.0 - used)), rel=1e-9)


@pytest.mark.parametrize(("workers", "used"), [(2, 0.5), (3, 0.9), (8, 0.8), (25, 0.95)])
def test_the_queue_of_constant_service_is_the_fixed_point_of_its_own_step(
    workers: int, used: float
) -> None:
    erlangs = workers * used
    at_most = mdc(workers, erlangs, 1.0).at_most
    waiting = np.diff(at_most, prepend=0.0)
    arrivals = np.exp(-erlangs) * np.cumprod(np.r_[1.0, erlangs / np.arange(1.0, len(waiting))])
    walked = np.convolve(waiting, arrivals)[: len(waiting)]
    after = np.r_[walked[: workers + 1].sum(), walked[workers + 1 :]]
    assert after == pytest.approx(waiting[: len(after)], abs=1e-9)


@pytest.mark.parametrize("used", [1e-6, 0.3, 0.999])
def test_constant_service_stands_at_both_ends_of_the_load(used: float) -> None:
    waited = mdc(4, 4 * used, 1.0)
    assert 0.0 <= waited.longer_than(0.0) <= erlang_c(4, 4 * used) + 1e-15
    assert waited.longer_than(1e6) <= 1e-15
