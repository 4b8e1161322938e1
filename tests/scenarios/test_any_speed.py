"""Every scenario is fair at any speed: the correct queue holds it, or the run proves nothing.

A message takes from a tenth of a millisecond to a tenth of a second, each way. Whoever runs a
scenario on a queue far away must not be told that it broke a promise, when it was only far away.
"""

from __future__ import annotations

import pytest
from jobquake.backends import registry as backends
from jobquake.harness.drivers.sim import simulate
from jobquake.harness.result import judge
from jobquake.scenarios import registry as scenarios
from msgspec.structs import replace

SIMULATED = [name for name in scenarios.names() if scenarios.find(name).driver != "process"]
LATENCIES_S = (0.0001, 0.005, 0.025, 0.1)
FAST_S = 0.005


@pytest.mark.parametrize(
    "seeds", [range(100, 102), pytest.param(range(1000, 1200), marks=pytest.mark.slow)], ids=len
)
@pytest.mark.parametrize("name", SIMULATED)
def test_the_correct_queue_is_never_accused_and_proves_something_where_messages_are_quick(
    name: str, seeds: range
) -> None:
    scenario, queue = scenarios.find(name), backends.find("reference")
    for variant in scenario.variants:
        wanted = "violated" if variant in scenario.controls else "held"
        for latency_s in LATENCIES_S:
            for seed in seeds:
                plan = replace(scenario.plan(seed, variant), latency_s=latency_s)
                result = judge(plan, queue, simulate(plan, queue), "sim")
                allowed = {wanted} if latency_s <= FAST_S else {wanted, "inconclusive"}
                assert result.verdict in allowed, (variant, latency_s, seed, result.sentence)
