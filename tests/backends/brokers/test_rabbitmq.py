"""RabbitMQ as a queue system: its words, its framing, and the real server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from jobquake import backend
from jobquake.backends.brokers.rabbitmq import words
from jobquake.backends.brokers.rabbitmq.framing import RabbitFraming
from jobquake.backends.brokers.rabbitmq.wire import content, counted, properties, short, told
from jobquake.contract import QueueContract
from jobquake.errors import JobquakeError
from jobquake.harness.contract.bench import Bench
from jobquake.harness.contract.real_time import RealTime, real_time
from jobquake.harness.plan.names import ODD_NAMES
from jobquake.harness.soak.soak import FORMAT, Soak, queue_of
from jobquake.protocol.commands import (
    Ack,
    Enqueue,
    Inspect,
    Inspected,
    Job,
    Lease,
    Leased,
    Nack,
    Settled,
)
from jobquake.servers import rabbitmq
from jobquake.wires.amqp import cut, method
from support.leaping import needs_compiler
from support.servers_here import or_skip

QUORUM, CLASSIC, CARELESS = (
    backend(f"rabbitmq-{kind}") for kind in ("quorum", "classic", "careless")
)
PATIENCE_S = 10.0
LOST = pytest.mark.xfail(reason="a quorum queue that was declared just before a crash is lost")


@pytest.fixture
def server() -> None:
    or_skip(rabbitmq.program)


@pytest.fixture
def stage(server: None) -> Iterator[RealTime]:
    with real_time(QUORUM, 1.0, "leap") as opened:
        yield opened


# -- words and framing ----------------------------------------------------------------------

BODY = words.encode(Job("pay-1"))
EMPTY = told("basic.get-empty", 2, short(""))


def carried(name: str, channel: int, *arguments: bytes) -> bytes:
    return told(name, channel, *arguments) + b"".join(
        content(channel, properties("pay-1", 2, 0), BODY, 64)
    )


def number(tag: int) -> bytes:
    return tag.to_bytes(8, "big")


PUT = carried("basic.publish", 1, bytes(2), short(""), short("orders"), bytes(1))
GIVEN = carried("basic.get-ok", 2, number(7), bytes(1), short(""), short("orders"), bytes(4))
PUSHED = carried("basic.deliver", 3, short("a"), number(7), bytes(1), short(""), short("orders"))


def test_queues_have_names_of_their_own_which_rabbitmq_takes() -> None:
    names = (*ODD_NAMES, "", "amq.orders", "~letters")
    found = [words.place_of(name) for name in names]
    assert len({*found, words.LETTERS}) == len(names) + 1
    assert all(0 < len(place) <= words.LONGEST and place.isascii() for place in found)
    assert not any(place.startswith("amq.") for place in found)
    known = {
        name: words.name_of(place)
        for name, place in zip(names, found, strict=True)
        if not place.startswith(words.DIGEST)
    }
    assert {"pay\n", "amq.orders", "注文"} <= set(known)
    assert list(known) == list(known.values())


def test_a_body_is_cut_into_frames_and_put_together() -> None:
    buffer = bytearray(PUT)
    (message,) = cut(buffer)
    found = method(message)
    assert (found.name, found.body, bytes(buffer)) == ("basic.publish", BODY, b"")
    assert counted(found.header, "x-delivery-count") == 0


def test_how_often_a_message_came_back_stands_in_its_headers() -> None:
    """Behind others of every kind, as RabbitMQ writes them."""

    def item(name: str, kind: bytes, held: bytes) -> bytes:
        return short(name) + kind + held

    text = len(b"rejected").to_bytes(4, "big") + b"rejected"
    table = b"".join(
        [
            item("x-first-death-reason", b"S", text),
            item("x-death", b"A", bytes([0, 0, 0, 2, ord("t"), 1])),
            item("x-when", b"T", number(1)),
            item("x-delivery-count", b"l", number(3)),
        ]
    )
    flags = (1 << 15 | 1 << 13).to_bytes(2, "big")
    header = bytes(12) + flags + short("text/plain") + len(table).to_bytes(4, "big") + table
    assert counted(header, "x-delivery-count") == 3
    assert counted(header, "x-delivery-limit") == 0


def test_an_ack_is_about_the_job_that_was_given_on_its_channel() -> None:
    session = RabbitFraming().session()
    assert session.request(PUT) == (0, "enqueue", "pay-1")
    assert session.reply(told("basic.ack", 1, number(1), bytes(1))) == (0, "enqueue", "")
    assert session.request(told("basic.get", 2, bytes(2), short("orders"), bytes(1)))[1] == "lease"
    assert session.reply(EMPTY) == (0, "lease", "")
    ack = told("basic.ack", 3, number(7), bytes(1))
    assert session.reply(GIVEN) == (0, "lease", "pay-1")
    assert session.request(ack) == (0, "ack", ""), "on that channel nothing was given"
    assert session.reply(PUSHED) == (0, "lease", "pay-1")
    assert session.request(ack) == (0, "ack", "pay-1")


@pytest.mark.parametrize(("word", "call"), [("basic.reject", "nack"), ("basic.nack", "release")])
def test_a_failure_is_told_from_a_hand_back(word: str, call: str) -> None:
    session = RabbitFraming().session()
    session.reply(GIVEN)
    assert session.request(told(word, 2, number(7), b"\2")) == (0, call, "pay-1")


def test_no_soak_stands_on_a_queue_that_is_made_for_one_plan(tmp_path: Path) -> None:
    soak = Soak(FORMAT, ("burst",), QUORUM.name, "process", 0)
    with pytest.raises(JobquakeError, match="add --fresh"), queue_of(soak, tmp_path, QUORUM):
        pass


# -- the server -----------------------------------------------------------------------------


@needs_compiler
@pytest.mark.slow
def test_it_does_what_it_says(stage: RealTime) -> None:
    """A failure, which comes back at once; a zombie; a failure for ever; and where each job is."""
    bench = Bench(QUORUM, stage)
    bench.enqueue(Job("a"))
    first = bench.take()
    assert (first.number, first.lease_s, bench.state("a")) == (1, 10.0, "leased")
    assert bench.say(Nack("a", first.token, "it broke")).accepted
    assert bench.state("a") == "ready"
    second = bench.take()
    assert (second.number, second.token) == (2, 2)
    bench.wait(9.5)
    assert bench.lease() is None
    bench.wait(1.0)
    zombie = bench.say(Ack("a", second.token))
    assert not zombie.accepted and "timed out" in zombie.why
    third = bench.take()
    assert third.number == 3
    assert bench.say(Nack("a", third.token, "it is gone", permanent=True)).accepted
    found = stage.call(Inspect("a"))
    assert isinstance(found, Inspected) and (found.state, found.reason) == ("dead", "rejected")
    bench.enqueue(Job("b"))
    assert bench.say(Ack("b", bench.take().token)).accepted
    assert bench.state("b") is None


@needs_compiler
@pytest.mark.slow
def test_a_lease_ends_with_its_connection_and_no_other_connection_can_speak_of_it(
    stage: RealTime,
) -> None:
    bench = Bench(QUORUM, stage)
    other = QUORUM.connect(stage.address, PATIENCE_S)
    bench.enqueue(Job("a"))
    token = bench.take().token
    assert not getattr(other.attempt(Ack("a", token)), "accepted", True)
    stage.close()
    reply = other.attempt(Lease("w2", ("default",), 10.0, wait_s=PATIENCE_S))
    assert isinstance(reply, Leased) and reply.delivery and reply.delivery.number == 2
    other.close()


@needs_compiler
@pytest.mark.slow
def test_consumer_timeout_takes_nothing_from_whoever_is_silent(stage: RealTime) -> None:
    """It closes the channel, and the message is ready when the client has answered to that."""
    holder, bench = QUORUM.connect(stage.address, PATIENCE_S), Bench(QUORUM, stage)
    bench.enqueue(Job("a"))
    reply = holder.attempt(Lease("w1", ("default",), 3.0))
    assert isinstance(reply, Leased) and reply.delivery
    bench.wait(30.0)
    assert bench.state("a") == "leased", "its time has been up for twice as long"
    late = holder.attempt(Ack("a", reply.delivery.token))
    assert isinstance(late, Settled) and not late.accepted
    while bench.state("a") != "ready":
        bench.wait(0.1)
    holder.close()


@pytest.mark.slow
def test_a_quorum_queue_that_was_declared_just_before_a_crash_is_lost(server: None) -> None:
    """With all that was confirmed: the name of its log is written half a second later."""
    for pause_s, states in ((0.0, (None, "dead")), (3.0, ("ready",))):
        with real_time(QUORUM, 0.3) as stage:
            stage.call(Enqueue(Job("a")))
            time.sleep(pause_s)
            stage.crash()
            looking = QUORUM.connect(stage.address, PATIENCE_S)
            found = looking.attempt(Inspect("a"))
            assert getattr(found, "state", None) in states
            looking.close()


@pytest.mark.slow
def test_a_crash_forgets_what_a_classic_queue_was_just_told(server: None) -> None:
    with real_time(CLASSIC, 0.3) as stage:
        bench = Bench(CLASSIC, stage)
        bench.enqueue(Job("a"))
        assert bench.say(Ack("a", bench.take().token)).accepted
        assert bench.state("a") is None
        stage.crash()
        assert Bench(CLASSIC, stage).state("a") == "ready"


@pytest.mark.slow
def test_in_memory_a_crash_loses_everything(server: None) -> None:
    with real_time(CARELESS, 0.3) as stage:
        stage.call(Enqueue(Job("a")))
        assert Bench(CARELESS, stage).state("a") == "ready"
        stage.crash()
        assert Bench(CARELESS, stage).state("a") is None


# -- the contract ---------------------------------------------------------------------------


@needs_compiler
@pytest.mark.slow
@pytest.mark.usefixtures("server")
class TestContract(QueueContract):
    backend = QUORUM
    drivers = ("process",)
    time = "leap"
    second_s = 10.0

    @LOST
    def test_a_crash_of_the_server_loses_nothing(self, bench: Bench) -> None:
        super().test_a_crash_of_the_server_loses_nothing(bench)

    @LOST
    def test_a_crash_as_a_lease_is_taken_back_holds_up_no_other(self, bench: Bench) -> None:
        super().test_a_crash_as_a_lease_is_taken_back_holds_up_no_other(bench)
