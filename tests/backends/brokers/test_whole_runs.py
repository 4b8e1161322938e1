"""Whole runs on every broker: what its claims allow holds, and what is careless is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from jobquake import backend
from jobquake.harness.run import run
from jobquake.scenarios import registry as scenarios
from jobquake.servers import beanstalkd, nats, rabbitmq, redis
from support import tagged_here
from support.servers_here import or_skip

COMMON = (
    "worker-kill-before-ack",
    "network-timeout",
    "slow-network",
    "broker-crash",
    "retry-storm",
    "permanent-failure",
    "poison-job",
    "zombie-worker",
)
REPLIES = ("reply-lost", "partition")
CLOCKS = ("clock-skew", "day-of-chaos")
FORGETS = "an acked message may be in its stream after a crash"


class Broker(NamedTuple):
    """``hasty``: the same with workers that ack before they run. ``breaks``: where, and why."""

    program: Callable[[], object]
    scenarios: tuple[str, ...]
    hasty: str
    careless: str
    seeds: int = 1
    breaks: tuple[str, str] = ("", "")


BROKERS = {
    "beanstalkd": Broker(
        beanstalkd.program,
        (*COMMON, *REPLIES, *CLOCKS),
        "hasty-beanstalkd",
        "beanstalkd-careless",
        seeds=3,
    ),
    "redis-streams": Broker(
        redis.program, (*COMMON, *CLOCKS), "hasty-streams", "redis-streams-careless", seeds=3
    ),
    "nats-jetstream": Broker(
        nats.program,
        (*COMMON, *REPLIES),
        "hasty-nats",
        "nats-jetstream-careless",
        breaks=("broker-crash", FORGETS),
    ),
    "rabbitmq-quorum": Broker(
        rabbitmq.program, (*COMMON, *REPLIES, *CLOCKS), "hasty-rabbitmq", "rabbitmq-careless"
    ),
    "rabbitmq-classic": Broker(
        rabbitmq.program, ("worker-kill-before-ack",), "hasty-rabbitmq", "rabbitmq-careless"
    ),
}


def runs() -> Iterator[Any]:
    for name, broker in BROKERS.items():
        where, why = broker.breaks
        for scenario in broker.scenarios:
            marks = [pytest.mark.xfail(reason=why)] if scenario == where else []
            for seed in range(broker.seeds):
                yield pytest.param(name, scenario, seed, marks=marks)


def verdict(scenario: str, queue: str, seed: int = 0) -> str:
    return run(scenarios.find(scenario).plan(seed), backend(queue)).result.verdict


def test_it_holds_when_workers_are_cut_off() -> None:
    or_skip(redis.program)
    assert verdict("partition", "redis-streams") == "held"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "scenario", "seed"), list(runs()))
def test_it_holds_in(name: str, scenario: str, seed: int) -> None:
    or_skip(BROKERS[name].program)
    assert verdict(scenario, name, seed) == "held"


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKERS)
def test_mistakes_are_found(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    broker = BROKERS[name]
    or_skip(broker.program)
    tagged_here.installed(monkeypatch, "hasty")
    assert verdict("worker-kill-before-ack", broker.hasty) == "violated"
    assert verdict("broker-crash", broker.careless) == "violated"
