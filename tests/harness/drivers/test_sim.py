"""The simulator: bit-exact, holds for the correct queue, and catches broken twins."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from functools import cache

import pytest
from hypothesis import given, settings
from jobquake import strategies
from jobquake.backends import registry as backends
from jobquake.harness.drivers.sim import simulate
from jobquake.harness.plan.armor import ReplayError
from jobquake.harness.plan.plan import Plan
from jobquake.harness.plan.replay import decode, encode
from jobquake.harness.record.history import Event
from jobquake.harness.result import judge
from jobquake.scenarios import registry as scenarios
from jobquake.scenarios.practices import PRACTICES, Practice
from msgspec.structs import replace

SEEDS = 12
DIGESTS = """
import hashlib, json
from jobquake.backends import registry as backends
from jobquake.harness.drivers.sim import simulate
from jobquake.scenarios import registry as scenarios
reference = backends.find("reference")
histories = {name: simulate(scenarios.find(name).plan(3), reference) for name in scenarios.names()}
print(json.dumps({k: hashlib.sha256(v.tobytes()).hexdigest() for k, v in histories.items()}))
"""


@cache
def digests(hash_seed: str) -> dict[str, str]:
    """Of the history of each scenario, in a process of its own whose sets have another order."""
    done = subprocess.run(
        [sys.executable, "-c", DIGESTS],
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


SIMULATED = [name for name in scenarios.names() if scenarios.find(name).driver != "process"]


@pytest.mark.parametrize("name", SIMULATED)
def test_the_same_plan_gives_byte_identical_histories(name: str) -> None:
    plan = scenarios.find(name).plan(3)
    first, second = (simulate(plan, backends.find("reference")).tobytes() for _ in range(2))
    assert first == second
    of_others = {digests(hash_seed)[name] for hash_seed in ("1", "2")}
    assert of_others == {hashlib.sha256(first).hexdigest()}


@given(strategies.plans())
@settings(max_examples=50)
def test_any_plan_gives_the_same_bytes_each_time(plan: Plan) -> None:
    first, second = (simulate(plan, backends.find("reference")).tobytes() for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    "seeds", [range(SEEDS), pytest.param(range(SEEDS, 300), marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("name", SIMULATED)
def test_the_reference_queue_holds_for_many_seeds(name: str, seeds: range) -> None:
    adapter = backends.find("reference")
    for seed in seeds:
        plan = scenarios.find(name).plan(seed)
        result = judge(plan, adapter, simulate(plan, adapter), "sim")
        assert result.verdict == "held", (seed, result.sentence)


@pytest.mark.parametrize(
    "practice", [p for p in PRACTICES if p.without.startswith("twin-")], ids=lambda p: p.without
)
def test_the_twin_that_lacks_a_practice_is_caught_by_its_check_in_its_scenario(
    practice: Practice,
) -> None:
    twin, plan = backends.find(practice.without), scenarios.find(practice.scenario).plan(0)
    result = judge(plan, twin, simulate(plan, twin), "sim")
    assert twin.violates in {c.name for c in result.checks if c.verdict == "violated"}


def test_a_run_whose_faults_cannot_hit_is_inconclusive() -> None:
    adapter = backends.find("reference")
    for name in scenarios.names():
        plan: Plan = replace(scenarios.find(name).plan(0), jobs=(), producers=1)
        assert judge(plan, adapter, simulate(plan, adapter), "sim").verdict == "inconclusive"


def test_a_run_without_jobs_is_quiet_at_once_and_does_not_wait_for_its_deadline() -> None:
    adapter = backends.find("reference")
    plan = replace(scenarios.find("network-timeout").plan(0), jobs=(), faults=())
    history = simulate(plan, adapter)
    assert len(history.where(Event.QUIET)) == 1
    assert history["t"].max() < 1.0


def test_producers_that_are_still_busy_at_the_deadline_do_not_move_it() -> None:
    adapter = backends.find("reference")
    plan = replace(scenarios.find("network-timeout").plan(0), deadline_s=0.01)
    history = simulate(plan, adapter)
    assert history["event"][history["t"].argmax()] == Event.DEADLINE


def test_a_replay_string_is_the_plan_and_a_damaged_one_is_refused() -> None:
    plan = scenarios.find("network-timeout").plan(5)
    text = encode(plan, "reference", "sim")
    assert decode(text).plan == plan
    with pytest.raises(ReplayError, match="expected"):
        decode(text[:40] + text[41:])
    with pytest.raises(ReplayError, match="expected"):
        decode("nonsense")
