"""The queue in every place where it can live: the same scenarios, the same verdicts.

With real processes each store is reached over real connections through the network proxy;
in the simulator the real server is the store under virtual time.
"""

from __future__ import annotations

import json

import pytest
from jobquake.backends import registry as backends
from jobquake.backends.reference.adapter import ReferenceAdapter
from jobquake.harness.checks import CHECKS
from jobquake.harness.drivers.sim import simulate
from jobquake.harness.history import Event
from jobquake.harness.result import Result, judge
from jobquake.harness.run import run
from jobquake.scenarios import registry as scenarios
from servers_here import KINDS, address

SEEDS = 100
TWINS = [name for name in backends.names() if name.startswith("twin-")]
MOVABLE = [name for name in TWINS if name != "twin-not-durable"]  # its mistake is its place
CAUGHT_BY = {"twin-lease-too-short": "slow-job-flood", "twin-not-durable": "broker-crash"}


def violated(result: Result) -> set[str]:
    return {check.name for check in result.checks if check.verdict == "violated"}


def simulated(backend: str, scenario: str, seed: int) -> Result:
    plan, adapter = scenarios.find(scenario).plan(seed), backends.find(backend)
    return judge(plan, adapter, simulate(plan, adapter), "sim")


def shaken(backend: str, scenario: str, seed: int = 0) -> Result:
    return run(scenarios.find(scenario).plan(seed), backends.find(backend), "process").result


# -- with real processes ------------------------------------------------------------------


@pytest.mark.parametrize("scenario", scenarios.names())
@pytest.mark.parametrize("place", ["broker", *KINDS])
def test_every_scenario_holds_with_real_processes(place: str, scenario: str) -> None:
    if place in KINDS:
        address(place)  # skips, or fails in CI, where there is no such server
    result = shaken(f"reference@{place}", scenario)
    assert result.verdict == "held", result.sentence
    required = {(bite.fault, bite.phase): bite.count for bite in result.bites if bite.required}
    assert all(required.values()), "what a scenario must strike, it struck"


@pytest.mark.parametrize("twin", TWINS)
def test_every_twin_behind_the_broker_is_caught_with_real_processes(twin: str) -> None:
    result = shaken(twin, CAUGHT_BY.get(twin, "worker-kill-before-ack"))
    assert backends.find(twin).violates in violated(result)


@pytest.mark.parametrize("twin", MOVABLE)
@pytest.mark.parametrize("kind", KINDS)
def test_every_twin_on_a_server_is_caught_with_real_processes(kind: str, twin: str) -> None:
    address(kind)
    result = shaken(f"{twin}@{kind}", CAUGHT_BY.get(twin, "worker-kill-before-ack"))
    assert backends.find(twin).violates in violated(result)


@pytest.mark.parametrize("kind", KINDS)
def test_a_careless_server_loses_what_it_acknowledged_and_the_story_says_why(kind: str) -> None:
    address(kind)
    adapter = backends.find(f"reference-{kind}-careless")
    done = run(scenarios.find("broker-crash").plan(0), adapter, "process")
    assert violated(done.result) >= {"no_lost_work"}
    assert done.result.sentence.endswith(adapter.claims.caveat)
    assert done.ledger is not None
    rows = [json.loads(line) for line in done.ledger.splitlines()]
    accepted = {row[7] for row in rows if row[2] == Event.ENQUEUE_ANSWERED and row[3] == 1}
    accounted = {
        row[7] for row in rows if row[2] in (Event.EFFECT, Event.DEAD, Event.HELD) and row[7] >= 0
    }
    lost = {finding.job for finding in done.result.checks[0].findings}
    assert lost == accepted - accounted, "told from the ledger, not from the tool's own summary"


# -- in the simulator ---------------------------------------------------------------------


@pytest.mark.parametrize("scenario", scenarios.names())
@pytest.mark.parametrize("place", ["sqlite", *KINDS])
def test_every_scenario_holds_in_virtual_time_on_a_real_store(place: str, scenario: str) -> None:
    if place in KINDS:
        address(place)
    for seed in range(SEEDS):
        result = simulated(f"reference@{place}", scenario, seed)
        assert result.verdict == "held", (seed, result.sentence)


@pytest.mark.parametrize("twin", MOVABLE)
@pytest.mark.parametrize("place", ["sqlite", *KINDS])
def test_every_twin_is_caught_in_virtual_time_on_a_real_store(place: str, twin: str) -> None:
    if place in KINDS:
        address(place)
    check = backends.find(twin).violates
    assert check in CHECKS
    scenario = CAUGHT_BY.get(twin, "worker-kill-before-ack")
    assert check in violated(simulated(f"{twin}@{place}", scenario, 0))


def test_a_twin_keeps_its_mistake_wherever_it_is_put() -> None:
    twin = backends.find("twin-no-lease@redis")
    assert isinstance(twin, ReferenceAdapter)
    assert twin.violates == "no_lost_work"
    assert twin.decisions is backends.find("twin-no-lease").decisions  # type: ignore[attr-defined]
