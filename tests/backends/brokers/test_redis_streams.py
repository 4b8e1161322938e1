"""Redis Streams as a queue system: the framing, and the real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from jobquake import backend
from jobquake.backends.brokers.redis_streams import words
from jobquake.backends.brokers.redis_streams.framing import StreamsFraming
from jobquake.contract import QueueContract
from jobquake.harness.contract.bench import Bench
from jobquake.harness.contract.real_time import RealTime, real_time
from jobquake.protocol.commands import Ack, Extend, Job, Lease, Leased, Nack
from jobquake.servers import redis
from support.leaping import needs_compiler
from support.servers_here import or_skip

STREAMS = backend("redis-streams")


@pytest.fixture
def server() -> None:
    or_skip(redis.program)


@pytest.fixture
def stage(server: None) -> Iterator[RealTime]:
    with real_time(STREAMS, 1.0, "leap") as opened:
        yield opened


# -- framing --------------------------------------------------------------------------------

BODY = words.encode(Job("pay-1"))


def command(*parts: bytes) -> bytes:
    return b"".join([b"*%d\r\n" % len(parts), *map(text, parts)])


def text(part: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(part), part)


def entry(place: bytes) -> bytes:
    return b"*2\r\n" + text(place) + b"*2\r\n" + text(b"job") + text(BODY)


def test_an_ack_is_about_the_job_whose_entry_was_added_or_given() -> None:
    framing = StreamsFraming()
    producer, worker = framing.session(), framing.session()
    acks = [command(b"XACK", b"s", b"workers", place) for place in (b"1-0", b"2-0", b"3-0")]
    assert producer.request(command(b"XADD", b"s", b"*", b"job", BODY)) == (0, "enqueue", "pay-1")
    assert worker.request(acks[0]) == (0, "ack", ""), "nobody has said whose it is"
    worker.reply(b":0\r\n")
    assert producer.reply(text(b"1-0")) == (0, "enqueue", "")
    assert worker.request(acks[0]) == (0, "ack", "pay-1")
    worker.reply(b":1\r\n")
    worker.request(command(b"XREADGROUP", b"GROUP", b"workers", b"w1", b"STREAMS", b"s", b">"))
    given = b"*1\r\n*2\r\n" + text(b"s") + b"*1\r\n" + entry(b"2-0")
    assert worker.reply(given) == (0, "lease", "pay-1")
    worker.request(command(b"XAUTOCLAIM", b"s", b"workers", b"w1", b"1000", b"0-0"))
    claimed = b"*3\r\n" + text(b"0-0") + b"*1\r\n" + entry(b"3-0") + b"*0\r\n"
    assert worker.reply(claimed) == (0, "lease", "pay-1")
    assert [worker.request(ack) for ack in acks] == [(0, "ack", "pay-1")] * 3


def test_what_gives_nothing_names_no_job() -> None:
    session = StreamsFraming().session()
    for nothing in (b"*-1\r\n", b"*3\r\n" + text(b"0-0") + b"*0\r\n*0\r\n", b"-LOADING it\r\n"):
        session.request(command(b"XAUTOCLAIM", b"s", b"workers", b"w1", b"1000", b"0-0"))
        assert session.reply(nothing) == (0, "lease", "")


def test_a_hand_back_is_told_from_a_heartbeat_and_a_failure_from_a_new_job() -> None:
    session = StreamsFraming().session()
    session.request(command(b"XADD", b"s", b"*", b"job", BODY))
    session.reply(text(b"1-0"))
    claim = (b"XCLAIM", b"s", b"workers", b"w1", b"0", b"1-0")
    assert session.request(command(*claim, b"JUSTID")) == (0, "extend", "pay-1")
    assert session.request(command(*claim, b"IDLE", b"900")) == (0, "release", "pay-1")
    letter = command(b"XADD", words.DEAD, b"*", b"reason", b"it broke", b"job", BODY)
    assert session.request(letter) == (0, "nack", "pay-1")


# -- the server -----------------------------------------------------------------------------


@needs_compiler
def test_it_does_what_it_says(stage: RealTime) -> None:
    """Who lost the job is refused, but may ack; who failed comes back when the lease is over."""
    bench = Bench(STREAMS, stage)
    bench.enqueue(Job("a", max_deliveries=3))
    first = bench.take()
    assert (first.number, bench.state("a")) == (1, "leased")
    assert bench.say(Nack("a", first.token, "it broke")).accepted
    bench.wait(9.5)
    assert bench.lease() is None and bench.state("a") == "leased"
    bench.wait(1.0)
    assert bench.state("a") == "ready"
    second = bench.take()
    assert (second.number, second.token) == (2, 2)
    assert not bench.say(Extend("a", first.token, 10.0)).accepted
    assert bench.say(Ack("a", first.token)).accepted, "nobody asks whose word it is"
    assert not bench.say(Ack("a", second.token)).accepted
    assert bench.state("a") is None


@needs_compiler
def test_whoever_waits_is_given_what_another_left_and_nobody_two_at_once(stage: RealTime) -> None:
    bench = Bench(STREAMS, stage)
    for queue in ("default", "orders"):
        bench.enqueue(Job(f"of {queue}", queue))
    queues = ("default", "orders")
    assert bench.take(queues=queues).job.id == "of default"
    assert bench.take(queues=queues).job.id == "of orders"
    bench.wait(9.9)
    reply = stage.call(Lease("w2", queues, 10.0, wait_s=2.0))
    assert isinstance(reply, Leased) and reply.delivery and reply.delivery.number == 2


# -- the contract ---------------------------------------------------------------------------


@needs_compiler
@pytest.mark.slow
@pytest.mark.usefixtures("server")
class TestContract(QueueContract):
    backend = STREAMS
    drivers = ("process",)
    time = "leap"
    second_s = 10.0
