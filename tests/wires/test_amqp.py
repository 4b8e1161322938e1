"""AMQP as its clients and its server say it: cut, named, counted, and told whose job it is."""

from __future__ import annotations

import asyncio

import pytest
from jobquake.frameworks.libraries.celery.on_rabbitmq import framing
from jobquake.harness.drivers.calltap import Wire
from jobquake.harness.drivers.trips import Record, TripStrikes
from jobquake.harness.drivers.triptap import TripTap, Watch
from jobquake.harness.drivers.watched import Watched
from jobquake.harness.faults.break_trip import BreakTrip
from jobquake.harness.faults.fields import HowTrip
from jobquake.harness.strikes import CallStrikes
from jobquake.proxy.applied import Direction
from jobquake.wires import talk_of
from jobquake.wires.amqp import AmqpTalk, cut, method
from support.frameworks import plan

GREETING = b"AMQP\0\0\x09\1"
UP, DOWN = Direction.UPSTREAM, Direction.DOWNSTREAM


def frame(kind: int, held: bytes, channel: int = 1) -> bytes:
    return (
        bytes([kind]) + channel.to_bytes(2, "big") + len(held).to_bytes(4, "big") + held + b"\xce"
    )


def short(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


def said(of: int, number: int, arguments: bytes = b"", channel: int = 1) -> bytes:
    return frame(1, of.to_bytes(2, "big") + number.to_bytes(2, "big") + arguments, channel)


def content(job: str, body: bytes = b"[[], {}, {}]") -> bytes:
    """As Celery sends a task: its id is in the headers."""
    table = short("id") + b"S" + len(job).to_bytes(4, "big") + job.encode()
    properties = (1 << 13).to_bytes(2, "big") + len(table).to_bytes(4, "big") + table
    head = frame(2, (60).to_bytes(2, "big") + bytes(2) + len(body).to_bytes(8, "big") + properties)
    half = len(body) // 2
    return head + frame(3, body[:half]) + frame(3, body[half:])


def publish(queue: str, job: str = "job-0") -> bytes:
    return said(60, 40, bytes(2) + short("") + short(queue) + b"\0") + content(job)


def consume(queue: str, tag: str, no_wait: bool = False) -> bytes:
    bits = bytes([8 if no_wait else 0])
    return said(60, 20, bytes(2) + short(queue) + short(tag) + bits + bytes(4))


def deliver(tag: str, number: int, job: str = "job-0", again: bool = False) -> bytes:
    arguments = short(tag) + number.to_bytes(8, "big") + bytes([again]) + short("") + short("q")
    return said(60, 60, arguments) + content(job)


def ack(number: int, multiple: bool = False) -> bytes:
    return said(60, 80, number.to_bytes(8, "big") + bytes([multiple]))


def declare(queue: str, no_wait: bool = False) -> bytes:
    return said(50, 10, bytes(2) + short(queue) + bytes([16 if no_wait else 2]) + bytes(4))


def named(talk: AmqpTalk, sent: bytes) -> tuple[str, int]:
    burst = talk.requests(bytearray(sent))
    return talk.name(burst), talk.awaited(burst)


@pytest.mark.parametrize(
    ("sent", "name", "awaited"),
    [
        (GREETING, "connect", 1),
        (said(10, 31) + said(10, 40), "connection.tune-ok + connection.open", 1),
        (declare("celery"), "queue.declare celery", 1),
        (declare("celery", no_wait=True), "queue.declare celery", 0),
        (declare("3f2504e0-4f89-11d3-9a0c-0305e82c3301.reply"), "queue.declare ID.reply", 1),
        (consume("celery", "None4"), "basic.consume celery", 1),
        (consume("celery", "None4", no_wait=True), "basic.consume celery", 0),
        (publish("celery"), "basic.publish celery", 0),
        (said(60, 10, bytes(7)), "basic.qos", 1),
        (frame(8, b"", 0), "heartbeat", 0),
    ],
)  # fmt: skip
def test_a_method_is_named_by_its_queue(sent: bytes, name: str, awaited: int) -> None:
    assert named(AmqpTalk(), sent) == (name, awaited)


def test_what_comes_in_pieces_is_cut_alike() -> None:
    whole = GREETING + publish("celery") + ack(1)
    for at in range(len(whole)):
        buffer = bytearray(whole[:at])
        found = cut(buffer)
        buffer += whole[at:]
        assert b"".join([*found, *cut(buffer)]) == whole and not buffer
    assert [method(one).name for one in cut(bytearray(whole))] == [
        "connect", "basic.publish", "basic.ack",
    ]  # fmt: skip


def test_what_the_server_pushes_and_what_settles_it_have_the_name_of_their_queue() -> None:
    talk = talk_of(GREETING)
    assert isinstance(talk, AmqpTalk)
    named(talk, consume("celery", "None4"))
    for reply in talk.replies(bytearray(said(60, 21, short("None4")) + deliver("None4", 1))):
        told = talk.pushed(reply)
    assert told == "basic.deliver celery"
    assert named(talk, ack(1)) == ("basic.ack celery", 0)


def test_confirmed_publishes_are_answered_one_by_one_and_many_at_once() -> None:
    talk = AmqpTalk()
    assert named(talk, said(85, 10, b"\0")) == ("confirm.select", 1)
    assert named(talk, publish("q") * 3) == ("basic.publish q", 3)
    (one,) = talk.replies(bytearray(ack(1)))
    assert talk.pushed(one) == ""
    rest = talk.replies(bytearray(ack(3, multiple=True)))
    assert [talk.pushed(reply) for reply in rest] == ["", ""] and rest[1] == b""


def test_a_channel_that_is_closed_answers_what_was_wrong_and_else_nothing() -> None:
    close = said(20, 40, (404).to_bytes(2, "big") + short("no queue") + bytes(4))
    talk = AmqpTalk()
    (reply,) = talk.replies(bytearray(close))
    assert (talk.pushed(reply), talk.refused(reply)) == ("channel.close", True)
    talk = AmqpTalk()
    named(talk, declare("q"))
    assert talk.pushed(close) == ""


def test_a_delivery_s_tag_stands_for_its_job_until_it_is_settled() -> None:
    session = framing().session()
    assert session.request(publish("q", "job-3")) == (0, "enqueue", "job-3")
    for number in (1, 2, 3):
        assert session.reply(deliver("t", number, f"job-{number}")) == (0, "lease", f"job-{number}")
    assert session.request(ack(1)) == (0, "ack", "job-1")
    assert session.request(ack(1)) == (0, "", "")
    assert session.request(ack(3, multiple=True)) == (0, "ack", "job-3")
    assert session.reply(deliver("t", 4, "job-1", again=True))[1] == "lease"
    assert session.passing and session.passing.words.endswith("marked as redelivered")
    assert session.request(said(60, 90, (4).to_bytes(8, "big") + b"\1"))[1] == "release"


class Line:
    """What passes a tap, each way."""

    number = 1

    def __init__(self) -> None:
        self.up = self.down = b""
        self.was_reset = False

    def forward(self, direction: Direction, data: bytes) -> None:
        self.up += data if direction is UP else b""
        self.down += data if direction is DOWN else b""

    def reset(self) -> None:
        self.was_reset = True

    def end(self, direction: Direction) -> None: ...
    def pause(self, direction: Direction) -> None: ...
    def resume(self, direction: Direction) -> None: ...
    def close(self) -> None: ...


@pytest.mark.parametrize("how", ["lose_reply", "reset_before"])
def test_a_delivery_is_a_round_trip_that_can_be_struck(how: HowTrip) -> None:
    asyncio.run(struck_at_the_second(how))


async def struck_at_the_second(how: HowTrip) -> None:
    ours, record, line = plan(BreakTrip("worker", "basic.deliver q", how, nth=2)), Record(), Line()
    strikes, struck = TripStrikes(ours), list[int]()
    strikes.begin()
    wire = Wire(
        Watched(framing()), CallStrikes(ours), lambda node: None,
        lambda number, *_: struck.append(number), ours.job_index,
    )  # fmt: skip
    tap = TripTap(Watch(wire, strikes, record), 0, line)
    tap.received(UP, GREETING + consume("q", "t", no_wait=True))
    tap.received(DOWN, said(10, 10, bytes(10), 0) + deliver("t", 1))
    assert line.down.endswith(deliver("t", 1)) and not struck
    tap.received(DOWN, deliver("t", 2, "job-1"))
    assert struck == [0] and line.down.endswith(deliver("t", 1))
    assert line.was_reset is (how == "reset_before")
    named_jobs = [(trip.name, trip.brings) for trip in record.trips if trip.brings]
    assert named_jobs == [("basic.deliver q", (0,))]
