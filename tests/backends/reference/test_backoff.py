"""How long a failed job waits: within its policy's bounds, and not together with the others."""

from __future__ import annotations

from random import Random

import pytest
from jobquake.backends.reference.backoff import delay_s
from jobquake.backends.registry import find
from jobquake.harness.contract.fault_plans import crowd
from jobquake.harness.trial import attempt
from jobquake.protocol.commands import Jitter, RetryPolicy
from msgspec.structs import replace

WAVE = 400


def wave(policy: RetryPolicy, failures: int) -> list[float]:
    """How long each of many jobs waits that have failed together so many times."""
    rng = Random(0)
    delays = [0.0] * WAVE
    for nth in range(1, failures + 1):
        delays = [delay_s(policy, nth, before, rng) for before in delays]
    return delays


@pytest.mark.parametrize("failures", [1, 2, 3, 8, 300])
@pytest.mark.parametrize("jitter", ["full", "equal", "decorrelated"])
def test_those_that_failed_together_are_spread_below_the_cap(jitter: Jitter, failures: int) -> None:
    policy = RetryPolicy(1.0, 2.0, 20.0, jitter)
    delays = wave(policy, failures)
    assert max(delays) <= policy.cap_s
    width = (max(delays) - min(delays)) / 20
    fullest = max(sum(at <= other < at + width for other in delays) for at in delays)
    assert fullest < WAVE / 5  # the spread alone is a twentieth; a crowd is nearly all of them


def test_the_first_decorrelated_retry_waits_from_once_to_three_times_the_base() -> None:
    delays = wave(RetryPolicy(2.0, 2.0, 60.0, "decorrelated"), 1)
    assert min(delays) >= 2.0
    assert max(delays) <= 6.0
    assert min(delays) < 2.2 < 5.8 < max(delays)


def test_a_base_above_the_cap_waits_for_the_cap() -> None:
    assert set(wave(RetryPolicy(5.0, 2.0, 1.0, "decorrelated"), 3)) == {1.0}


@pytest.mark.parametrize("jitter", ["full", "equal", "decorrelated"])
def test_a_crowd_comes_back_spread_whatever_its_jitter(jitter: Jitter) -> None:
    plan = crowd()
    for seed in range(5):
        spread = replace(plan, seed=seed, retry=replace(plan.retry, jitter=jitter))
        assert not attempt(spread, find("reference")).broken
