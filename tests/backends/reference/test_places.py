"""The queue in every place where it can live: the same scenarios, the same verdicts.

With real processes each store is reached over real connections through the network proxy;
in the simulator the real server is the store under virtual time.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jobquake.backends import registry as backends
from jobquake.backends.reference import queue
from jobquake.backends.reference.adapter import ReferenceAdapter
from jobquake.harness.checks import CHECKS
from jobquake.harness.drivers.sim import simulate
from jobquake.harness.faults.net_timeout import NetTimeout
from jobquake.harness.faults.partition import Partition
from jobquake.harness.faults.slow_network import SlowNetwork
from jobquake.harness.plan.plan import PlannedJob
from jobquake.harness.record.history import Event
from jobquake.harness.result import Result, judge
from jobquake.harness.run import run
from jobquake.protocol import commands as c
from jobquake.scenarios import registry as scenarios
from jobquake.scenarios.practices import PRACTICES
from msgspec.structs import replace
from support import toxiproxies
from support.broker_process import wait_until
from support.servers_here import KINDS, address

SEEDS, MORE_SEEDS = range(2), range(2, 12)
# Those that a scenario of the catalogue shows; test_twins.py has a plan for each of all twins.
TWINS = [p.without for p in PRACTICES if p.without.startswith("twin-")]
# The mistake of the one is its place; SQLite and PostgreSQL keep the priority of a job in a column
# that no later write changes, so the other's comes to nothing there.
AT_HOME_ONLY = ("twin-not-durable", "twin-priority-lost-on-crash")
MOVABLE = [name for name in TWINS if name not in AT_HOME_ONLY]
# What comes a moment late shows only where no machine can be busy.
VIRTUAL_TIME_ONLY = ("twin-wakes-late", "twin-priority-lost-on-crash")
CAUGHT_BY = {p.without: p.scenario for p in PRACTICES}
# These meet the store through its connections; the others are about the core and the worker,
# which are the same everywhere, so on a server of their own they are among the slow tests.
NETWORK = (
    "worker-kill-before-ack", "network-timeout", "slow-job-flood", "reply-lost",
    "partition", "slow-network", "broker-crash", "zombie-worker", "clock-skew",
)  # fmt: skip


# A real process costs more than what it does, so these run on each server by default.
ON_EACH_SERVER = ("reply-lost", "broker-crash", "zombie-worker", "twin-ack-without-token")
LONG = (  # behind the broker these are slow
    "twin-no-timeout", "twin-shutdown-drops", "twin-unbounded", "twin-key-before-effect",
    "twin-crashes-not-counted", "twin-no-lease", "burst", "overload", "poison-job",
    "duplicate-submission", "slow-network", "retry-storm", "permanent-failure", "delayed-jobs",
    "urgent-retries", "crash-after-handback", "odd-names", "twin-payload-ends-at-nul",
    "twin-id-cut", "twin-queue-case-folded", "twin-handback-resets", "twin-delay-wraps",
    "day-of-chaos", "graceful-shutdown", "stuck-job",
    "twin-priority-unsigned", "twin-delay-on-the-tick", "twin-delay-truncated",
    "odd-payloads", "same-name", "senseless-commands", "twin-priority-ignored",
    "twin-permanent-retried", "twin-handback-counts", "twin-key-per-delivery",
)  # fmt: skip


def in_places(
    places: tuple[str, ...], scenario_of: dict[str, str], named: tuple[str, ...] = ()
) -> list[Any]:
    """(place, name) for every name, marked slow where the store matters least.

    ``named``: on a server only these are not slow.
    """

    def slow(place: str, name: str, scenario: str) -> bool:
        if place not in KINDS:
            return bool(named) and name in LONG
        return name not in named if named else scenario not in NETWORK

    return [
        pytest.param(
            place,
            name,
            id=f"{place}-{name}",
            marks=[pytest.mark.slow] * slow(place, name, scenario),
        )
        for place in places
        for name, scenario in scenario_of.items()
    ]


EVERY_SCENARIO = {n: n for n in scenarios.names() if scenarios.find(n).driver != "process"}
EVERY_TWIN = {name: CAUGHT_BY[name] for name in MOVABLE}


def real(names: dict[str, str]) -> dict[str, str]:
    """Those whose scenario real processes can run, and that show themselves there."""
    return {
        name: of
        for name, of in names.items()
        if scenarios.find(of).driver is None and name not in VIRTUAL_TIME_ONLY
    }


REAL_TWINS = real({name: CAUGHT_BY[name] for name in TWINS})
# Of those that the same scenario catches, one shows that it does so with real processes.
ONE_FOR_EACH_SCENARIO = {
    CAUGHT_BY[name]: name for name in reversed(REAL_TWINS) if name not in LONG
}.values()


def violated(result: Result) -> set[str]:
    return {check.name for check in result.checks if check.verdict == "violated"}


def simulated(backend: str, scenario: str, seed: int) -> Result:
    plan, adapter = scenarios.find(scenario).plan(seed), backends.find(backend)
    return judge(plan, adapter, simulate(plan, adapter), "sim")


def shaken(backend: str, scenario: str, said: Callable[[Result], bool]) -> Result:
    """The first run that says something, of three; on a busy machine a fault may miss its mark."""
    for seed in range(3):
        plan = scenarios.find(scenario).plan(seed)
        result = run(plan, backends.find(backend), "process").result
        if said(result):
            break
    return result


def caught(twin: str, backend: str) -> None:
    """The check that is there for the twin finds it."""
    violates = backends.find(twin).violates
    result = shaken(backend, CAUGHT_BY[twin], lambda result: violates in violated(result))
    assert violates in violated(result), result.sentence


def test_on_a_shared_file_whoever_works_forgets_what_is_older_than_the_retention(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = backends.find("reference-sqlite")
    assert isinstance(adapter, ReferenceAdapter)
    keeps, forgets = adapter.connect(str(tmp_path), 1.0), adapter.retaining(0.001)
    for command in (c.Enqueue(c.Job("j", "q")), c.Lease("w", ("q",), 60.0), c.Ack("j", 1)):
        keeps.attempt(command)
    assert keeps.attempt(c.Inspect("j")) == c.Inspected("done", 1)
    monkeypatch.setattr(queue, "FORGET_EVERY_S", 0.0)
    other = forgets.connect(str(tmp_path), 1.0)
    wait_until(lambda: other.attempt(c.Inspect("j")) == c.Inspected(None))
    keeps.close()
    other.close()


# -- with real processes ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "scenario"), in_places(("broker", *KINDS), real(EVERY_SCENARIO), ON_EACH_SERVER)
)
def test_every_scenario_holds_with_real_processes(place: str, scenario: str) -> None:
    if place in KINDS:
        address(place)  # skips, or fails in CI, where there is no such server
    result = shaken(f"reference@{place}", scenario, lambda it: it.verdict != "inconclusive")
    assert result.verdict == "held", result.sentence
    required = {(bite.fault, bite.phase): bite.count for bite in result.bites if bite.required}
    assert all(required.values()), "what a scenario must strike, it struck"


@pytest.mark.parametrize(
    "twin",
    [
        pytest.param(name, marks=[pytest.mark.slow] * (name not in ONE_FOR_EACH_SCENARIO))
        for name in REAL_TWINS
    ],
)
def test_every_twin_behind_the_broker_is_caught_with_real_processes(twin: str) -> None:
    caught(twin, twin)


@pytest.mark.parametrize(("kind", "twin"), in_places(KINDS, real(EVERY_TWIN), ON_EACH_SERVER))
def test_every_twin_on_a_server_is_caught_with_real_processes(kind: str, twin: str) -> None:
    address(kind)
    caught(twin, f"{twin}@{kind}")


@pytest.mark.parametrize("kind", KINDS)
def test_a_careless_server_loses_what_it_acknowledged_and_the_story_says_why(kind: str) -> None:
    address(kind)
    adapter = backends.find(f"reference-{kind}-careless")
    # What a crash of PostgreSQL loses is what its writer had not yet got round to, which now
    # and then is nothing; so it is crashed until it loses, a bounded number of times.
    for seed in range(4):
        done = run(scenarios.find("broker-crash").plan(seed), adapter, "process")
        if "no_lost_work" in violated(done.result):
            break
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


# -- through a real Toxiproxy -------------------------------------------------------------


@pytest.mark.parametrize("backend", ["reference", "reference@redis"])
def test_lasting_faults_strike_through_a_real_toxiproxy_too(backend: str) -> None:
    if backend.endswith("@redis"):
        address("redis")
    # Late, since a busy machine takes a while to start its workers.
    faults = (SlowNetwork(3.0, 0.6, 0.05), NetTimeout(4.0, 0.5), Partition((0, 1), 5.0, 2.2))
    plan = replace(
        scenarios.find("partition").plan(0),
        jobs=tuple(PlannedJob(0.0, 0, 7.0) for _ in range(4)),  # each outlasts all the faults
        faults=faults,
        must_hit=tuple((fault.kind, "running") for fault in faults),
        lease_s=1.5,
    )
    server = toxiproxies.choice("real")
    done = run(plan, backends.find(backend), "process", toxiproxy=server)
    assert done.result.verdict == "held", done.result.sentence


def test_faults_on_single_calls_prove_nothing_through_a_real_toxiproxy() -> None:
    plan = scenarios.find("network-timeout").plan(0)
    server = toxiproxies.choice("real")
    result = run(plan, backends.find("reference"), "process", toxiproxy=server).result
    assert result.verdict == "inconclusive"
    assert "enqueue lose request" in result.sentence


# -- in the simulator ---------------------------------------------------------------------


@pytest.mark.parametrize("seeds", [SEEDS, pytest.param(MORE_SEEDS, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("place", "scenario"), in_places(("sqlite", *KINDS), EVERY_SCENARIO))
def test_every_scenario_holds_in_virtual_time_on_a_real_store(
    place: str, scenario: str, seeds: range
) -> None:
    if place in KINDS:
        address(place)
    for seed in seeds:
        result = simulated(f"reference@{place}", scenario, seed)
        assert result.verdict == "held", (seed, result.sentence)


@pytest.mark.parametrize(("place", "twin"), in_places(("sqlite", *KINDS), EVERY_TWIN))
def test_every_twin_is_caught_in_virtual_time_on_a_real_store(place: str, twin: str) -> None:
    if place in KINDS:
        address(place)
    check = backends.find(twin).violates
    assert check in CHECKS
    scenario = CAUGHT_BY[twin]
    assert check in violated(simulated(f"{twin}@{place}", scenario, 0))


def test_a_twin_keeps_its_mistake_wherever_it_is_put() -> None:
    twin = backends.find("twin-no-lease@redis")
    assert isinstance(twin, ReferenceAdapter)
    assert twin.violates == "no_lost_work"
    at_home = backends.find("twin-no-lease")
    assert isinstance(at_home, ReferenceAdapter)
    assert twin.decisions is at_home.decisions
