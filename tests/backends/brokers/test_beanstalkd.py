"""beanstalkd as a queue system: its words, its framing, and the real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from jobquake import backend
from jobquake.backends.brokers.beanstalkd import tubes
from jobquake.backends.brokers.beanstalkd.client import request
from jobquake.backends.brokers.beanstalkd.framing import BeanstalkdFraming
from jobquake.contract import QueueContract
from jobquake.harness.contract.bench import Bench
from jobquake.harness.contract.real_time import RealTime, real_time
from jobquake.harness.plan.names import ODD_NAMES
from jobquake.protocol.commands import (
    Ack,
    Enqueue,
    Inspect,
    Job,
    Lease,
    Leased,
    Nack,
    RetryPolicy,
)
from jobquake.servers import beanstalkd
from support.leaping import needs_compiler
from support.servers_here import or_skip

BEANSTALKD = backend("beanstalkd")
HOLDERS = 24


@pytest.fixture
def server() -> None:
    or_skip(beanstalkd.program)


@pytest.fixture
def stage(server: None) -> Iterator[RealTime]:
    """The queue in leaping time, a second of which lasts three of beanstalkd's."""
    with real_time(BEANSTALKD, 0.1, "leap") as opened:
        yield opened


# -- words ----------------------------------------------------------------------------------


def test_queues_have_tubes_of_their_own_whose_names_beanstalkd_takes() -> None:
    found = [tubes.tube_of(name) for name in ODD_NAMES]
    assert len(set(found)) == len(ODD_NAMES)
    plain = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-+/;.$_()")
    assert all(0 < len(name) <= 200 and set(name) <= plain for name in found)
    assert not any(name.startswith("-") for name in found)
    told = [tubes.queue_of(tube) for tube in found if not tube.startswith("_.")]
    assert told == [name for name in ODD_NAMES if len(name) < 200]


def test_the_most_urgent_has_the_lowest_number() -> None:
    numbers = [tubes.urgency_of(priority) for priority in (1_000_000, 1, 0, -1, -1_000_000)]
    assert numbers == sorted(numbers)
    assert numbers[0] >= 0 and numbers[-1] < 1 << 32


# -- framing --------------------------------------------------------------------------------

BODY = tubes.encode(Job("pay-1"))
GIVEN = request("RESERVED", 7, body=BODY)


def test_messages_are_cut_with_their_bodies() -> None:
    framing = BeanstalkdFraming()
    sent = request("use", "orders") + request("put", 1, 0, 60, body=b"a\r\nb") + b"delete 7\r\n"
    buffer = bytearray()
    messages = []
    for byte in sent:
        buffer.append(byte)
        messages += framing.split(buffer)
    assert messages == [b"use orders\r\n", b"put 1 0 60 4\r\na\r\nb\r\n", b"delete 7\r\n"]
    assert not buffer
    buffer = bytearray(GIVEN + b"DELETED\r\n" + b"OK 3")
    assert framing.split_replies(buffer) == [GIVEN, b"DELETED\r\n"]
    assert buffer == b"OK 3"


def test_an_ack_is_about_the_job_that_came_under_its_number() -> None:
    session = BeanstalkdFraming().session()
    assert session.request(request("put", 1, 0, 60, body=BODY)) == (0, "enqueue", "pay-1")
    assert session.reply(b"INSERTED 7\r\n") == (0, "enqueue", "")
    assert session.request(b"delete 7\r\n") == (0, "ack", ""), "nobody has said whose it is"
    assert session.reply(b"NOT_FOUND\r\n") == (0, "ack", "")
    assert session.request(b"reserve-with-timeout 1\r\n") == (0, "lease", "")
    assert session.reply(GIVEN) == (0, "lease", "pay-1")
    assert session.request(b"touch 7\r\n") == (0, "extend", "pay-1")
    assert session.reply(b"TOUCHED\r\n") == (0, "extend", "")
    assert session.request(b"delete 7\r\n") == (0, "ack", "pay-1")


def test_whoever_looks_first_tells_whose_it_is() -> None:
    session = BeanstalkdFraming().session()
    assert session.request(b"peek 7\r\n") == (0, "", "")
    assert session.reply(request("FOUND", 7, body=BODY)) == (0, "", "pay-1")
    assert session.request(b"delete 7\r\n") == (0, "ack", "pay-1")


def test_a_failure_is_told_from_a_hand_back_by_what_stands_before_it() -> None:
    session = BeanstalkdFraming().session()

    def given() -> None:
        session.request(b"reserve-with-timeout 1\r\n")
        session.reply(GIVEN)
        assert session.request(b"stats-job 7\r\n") == (0, "", "pay-1")
        session.reply(request("OK", body=b"---\nreserves: 1\n"))

    given()
    assert session.request(b"release 7 1 0\r\n") == (0, "release", "pay-1")
    session.reply(b"RELEASED\r\n")
    given()
    session.request(b"stats-job 7\r\n")
    session.reply(request("OK", body=b"---\nreserves: 2\n"))
    assert session.request(b"release 7 1 4\r\n") == (0, "nack", "pay-1")
    session.reply(b"RELEASED\r\n")
    given()
    assert session.request(b"bury 7 1\r\n") == (0, "nack", "pay-1")


# -- the server -----------------------------------------------------------------------------


@needs_compiler
def test_it_does_what_it_says(stage: RealTime) -> None:
    """A failure and its backoff, a last failure, a strange word, and where each job is."""
    bench = Bench(BEANSTALKD, stage)
    bench.enqueue(Job("a", retry=RetryPolicy(4.0, 1.0, 4.0, "none"), max_deliveries=2))
    holder = bench.take()
    assert (holder.number, holder.lease_s, bench.state("a")) == (1, 10.0, "leased")
    stranger = stage.call(Ack("another", holder.token + 1))
    assert not getattr(stranger, "accepted", True)
    assert bench.say(Nack("a", holder.token, "it broke")).accepted
    bench.wait(3.5)
    assert bench.lease() is None
    bench.wait(1.0)
    again = bench.take()
    assert (again.number, again.token) == (2, holder.token)
    assert bench.say(Nack("a", again.token, "it broke")).accepted
    assert bench.state("a") == "dead"
    bench.enqueue(Job("b"))
    assert bench.say(Ack("b", bench.take().token)).accepted
    assert bench.state("b") is None


@needs_compiler
def test_a_lease_ends_with_its_connection_and_nobody_acks_for_another_job(stage: RealTime) -> None:
    holding, looking = (BEANSTALKD.connect(stage.address, 5.0) for _ in range(2))
    bench = Bench(BEANSTALKD, stage)
    bench.enqueue(Job("a"))
    bench.enqueue(Job("b"))
    token = bench.take().token
    assert not getattr(looking.attempt(Ack("b", token)), "accepted", True), "it is the job a"
    assert not getattr(looking.attempt(Ack("a", token)), "accepted", True), "another has it"
    stage.close()
    states = (getattr(looking.attempt(Inspect("a")), "state", "") for _ in range(1000))
    assert "ready" in states
    assert getattr(looking.attempt(Ack("a", token)), "accepted", False), "nobody has it now"
    for connection in (holding, looking):
        connection.close()


@needs_compiler
def test_of_silent_holders_some_keep_their_jobs_beyond_the_end_of_their_time(
    stage: RealTime,
) -> None:
    """beanstalkd looks at a connection when the time-to-run of its job is over. If that is at that
    very microsecond, it looks no more until the connection says something (its issues 262, 380).
    """
    silent = [BEANSTALKD.connect(stage.address, 5.0) for _ in range(HOLDERS)]
    bench = Bench(BEANSTALKD, stage)
    for number, holder in enumerate(silent):
        bench.enqueue(Job(f"job {number}"))
        reply = holder.attempt(Lease("w1", ("default",), 60.0))
        assert isinstance(reply, Leased) and reply.delivery
        bench.wait(0.01)
    bench.wait(100.0)
    states = [bench.state(f"job {number}") for number in range(HOLDERS)]
    assert "leased" in states
    for holder in silent:
        holder.close()
    while "leased" in (bench.state(f"job {number}") for number in range(HOLDERS)):
        bench.wait(0.1)  # their connections are closed, which ends every lease


def test_without_a_log_a_crash_loses_everything(server: None) -> None:
    careless = backend("beanstalkd-careless")
    for queue, state in ((BEANSTALKD, "ready"), (careless, None)):
        with real_time(queue, 0.1) as stage:
            stage.call(Enqueue(Job("a")))
            stage.crash()
            assert Bench(queue, stage).state("a") == state


# -- the contract ---------------------------------------------------------------------------


@needs_compiler
@pytest.mark.slow
@pytest.mark.usefixtures("server")
class TestContract(QueueContract):
    backend = BEANSTALKD
    drivers = ("process",)
    time = "leap"

    @pytest.mark.xfail(
        reason="a time-to-run that ends while its connection is silent may not be looked at again"
    )
    def test_a_job_is_as_urgent_as_ever_when_it_comes_back(self, bench: Bench) -> None:
        super().test_a_job_is_as_urgent_as_ever_when_it_comes_back(bench)
