"""Whoever claims less is held to less: by runs, by exploration and by the contract."""

from __future__ import annotations

from dataclasses import replace as with_fields

import pytest
from jobquake.backends.adapter import Claims
from jobquake.contract import QueueContract
from jobquake.harness.explore.shard import explore_shard
from jobquake.harness.run import run
from jobquake.scenarios import registry as scenarios
from support.honest import HONEST

ODD = {  # where the mistake shows that it would be without the claim
    "honest-small-payloads": "odd-payloads",
    "honest-acks-once": "reply-lost",
    "honest-late-by-a-second": "retry-storm",
}


@pytest.mark.parametrize("name", HONEST)
@pytest.mark.parametrize("shards", [1, pytest.param(40, marks=pytest.mark.slow)])
def test_exploration_accuses_no_queue_of_what_it_does_not_claim(name: str, shards: int) -> None:
    for shard in range(shards):
        seen = explore_shard(HONEST[name], 21, shard, schedules=100, stop_at_first=False)
        assert [found.sentence for found in seen.found] == []


@pytest.mark.parametrize("name", HONEST)
@pytest.mark.parametrize(
    "scenario",
    [
        "worker-kill-before-ack",
        *(pytest.param(n, marks=pytest.mark.slow) for n in scenarios.names()),
    ],
)
def test_no_scenario_accuses_a_queue_of_what_it_does_not_claim(name: str, scenario: str) -> None:
    result = run(scenarios.find(scenario).plan(0), HONEST[name], "sim").result
    assert result.verdict != "violated", result.sentence


@pytest.mark.parametrize("name", ODD)
def test_the_same_queue_is_violated_where_it_claims_more(name: str) -> None:
    plan = scenarios.find(ODD[name]).plan(0)
    boastful = with_fields(HONEST[name], claims=Claims())
    assert run(plan, HONEST[name], "sim").result.verdict == "held"
    assert run(plan, boastful, "sim").result.verdict == "violated"


for queue in HONEST.values():  # its contract, as a class of its own
    contract = type(f"Test {queue.name}", (QueueContract,), {"backend": queue})
    globals()[contract.__name__] = pytest.mark.slow(contract)
