"""The contract of a queue that is reached only over its connection: in real time, for real."""

from __future__ import annotations

import re

import pytest
from jobquake.backends import registry
from jobquake.backends.adapter import Connection
from jobquake.harness.contract import connections
from jobquake.harness.contract.bench import Bench
from jobquake.harness.contract.real_time import real_time
from jobquake.protocol.commands import Command, Job, Lease, Reply, RetryPolicy
from msgspec.structs import replace
from support import tagged_here

pytest_plugins = ["pytester"]

SUITE = """
from jobquake import backend
from jobquake.contract import QueueContract

class TestTagged(QueueContract):
    backend = backend("tagged")
"""
# Of each kind of test one that takes no time, and all that is skipped.
SOME = (
    "repeated and (enqueue or ack) or full_queue or over_its or no_clock or behaves_like "
    "or kept_however or die_at_any or whatever or silent or nobody_answers or waits_until"
)


@pytest.fixture(autouse=True)
def _tagged(monkeypatch: pytest.MonkeyPatch) -> None:
    tagged_here.installed(monkeypatch)


def lines_of(pytester: pytest.Pytester, *options: str) -> list[str]:
    pytester.makepyfile(SUITE)
    return pytester.runpytest_subprocess("-rs", "-p", "no:cacheprovider", *options).outlines


def test_what_needs_virtual_time_is_skipped_with_that_reason_and_the_rest_passes(
    pytester: pytest.Pytester,
) -> None:
    lines = lines_of(pytester, "-k", SOME)
    told = next(line for line in lines if line.startswith("contract of tagged:"))
    counts = re.match(r"contract of tagged: (\d+) passed, (\d+) skipped in [\d.]+ s$", told)
    late = sum("tagged and this machine were" in line for line in lines)  # a machine that stalled
    assert counts, "\n".join(lines)
    assert [int(count) for count in counts.groups()] == [6 - late, 15 + late], "\n".join(lines)
    assert late < 6
    skipped = "\n".join(line for line in lines if line.startswith("SKIPPED"))
    assert "tagged has no virtual time, which this test needs: it has no local()" in skipped
    assert "tagged has no virtual time, and TestTagged.drivers does not name 'process'" in skipped


LOCALS = """
from jobquake.adapters import Unavailable
from tagged_queue import TaggedQueue

class Elsewhere(TaggedQueue):
    def local(self, clock, rng):
        raise Unavailable("only over TCP")

class Unwritten(TaggedQueue):
    def local(self, clock, rng):
        raise NotImplementedError("later")

class TestElsewhere(QueueContract):
    backend = Elsewhere()

class TestUnwritten(QueueContract):
    backend = Unwritten()
"""


def test_a_queue_whose_local_cannot_be_had_is_one_without_virtual_time(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(SUITE.partition("class")[0] + LOCALS)
    words = ["-rs", "-p", "no:cacheprovider", "-k", "full_queue or jumps"]
    done = pytester.runpytest_subprocess(*words)
    outcomes = done.parseoutcomes()
    assert (outcomes["passed"], outcomes["skipped"]) == (2, 4) and "failed" not in outcomes
    for why in ("only over TCP", "local() is not written: later"):
        assert f"tagged has no virtual time, which this test needs: {why}" in done.stdout.str()


@pytest.mark.slow
def test_a_correct_queue_passes_the_whole_contract_in_real_time(
    pytester: pytest.Pytester,
) -> None:
    lines = lines_of(pytester)
    told = next(line for line in lines if line.startswith("contract of tagged:"))
    assert "failed" not in told, "\n".join(lines)


@pytest.mark.slow
def test_a_correct_queue_passes_its_plans_on_real_processes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SUITE + "    drivers = ('process',)\n")
    done = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-k", "may_die or lost_late")
    # Replies come in order, so for each of the eight calls one fault is skipped.
    outcomes = done.parseoutcomes()
    assert outcomes["skipped"] == 8 and not outcomes.keys() & {"failed", "errors"}, done.outlines


# -- time ---------------------------------------------------------------------------------


def test_a_second_of_the_conversation_is_as_long_as_the_class_says() -> None:
    policy = RetryPolicy(1.0, 2.0, 8.0, "none")
    with real_time(registry.find("tagged"), 0.05) as stage:
        bench = Bench(registry.find("tagged"), stage)
        bench.enqueue(Job("a", delay_s=6.0, retry=policy))
        assert bench.lease() is None
        bench.wait(6.5)
        delivery = bench.take()
        assert delivery.lease_s == pytest.approx(10.0)
        assert (delivery.job.delay_s, delivery.job.retry) == (6.0, policy)


def test_a_machine_that_is_late_judges_nothing() -> None:
    with real_time(registry.find("tagged"), 0.01) as stage:
        stage.call(Lease("w1", ("q",), 1.0, wait_s=1.0))  # 10 ms, and its own time
        stage.call(Lease("w1", ("q",), 1.0, wait_s=1.0))
        with pytest.raises(pytest.skip.Exception, match=r"not judged: tagged .* second_s = 0.04"):
            stage.wait(1.0)


def test_a_server_that_dies_is_started_again() -> None:
    with real_time(registry.find("tagged"), 0.05) as stage:
        bench = Bench(registry.find("tagged"), stage)
        bench.enqueue(Job("a"))
        bench.crash()
        assert bench.state("a") is None, "it keeps its jobs in memory"


# -- connections --------------------------------------------------------------------------


class Hasty:
    """A connection of the tagged queue whose leases do not wait."""

    def __init__(self, inner: Connection) -> None:
        self._inner = inner
        self.close = inner.close

    def attempt(self, command: Command) -> Reply | None:
        if isinstance(command, Lease):
            command = replace(command, wait_s=0.0)
        return self._inner.attempt(command)


def test_a_lease_that_does_not_wait_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    tagged = registry.find("tagged")
    connect = tagged.connect
    with real_time(tagged, 0.1) as stage:
        monkeypatch.setattr(
            "tagged_queue.TaggedQueue.connect", lambda self, *args: Hasty(connect(*args))
        )
        with pytest.raises(AssertionError, match=r"expected it to wait for 1 s, .*found an answer"):
            connections.a_lease_waits_until_its_time_is_up(tagged, stage.address)
        with pytest.raises(AssertionError, match=r"^job 'a', Lease\(wait_s=10\): .*found no job"):
            connections.a_lease_that_waits_is_given_the_job_that_comes(tagged, stage.address)


def test_a_connection_that_never_comes_back_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    tagged = registry.find("tagged")
    monkeypatch.setattr(connections, "SLACK_S", 0.2)
    connections.an_attempt_returns_in_time_where_nobody_answers(tagged)
    patient = tagged.connect
    monkeypatch.setattr(
        "tagged_queue.TaggedQueue.connect", lambda self, at, timeout_s: patient(at, 1.0)
    )
    with pytest.raises(AssertionError, match=r"expected attempt\(\) to return after 0\.5 s"):
        connections.an_attempt_returns_in_time_where_nobody_answers(tagged)
