"""The broker under clients that send nonsense: they are refused, and nobody else notices.

The broker is a real process. After every burst of nonsense a witness, connected since
before, takes a job of its own through its whole life.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import count
from random import Random

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jobquake.backends.reference.broker import wire
from jobquake.backends.reference.queue import ReferenceQueue
from jobquake.backends.reference.stores.sqlite import SQLiteStore
from jobquake.protocol import commands as c
from jobquake.protocol.clock import Clock
from support.broker_process import Broker, Raw, connected, framed, open_files, running, wait_until

MARKER = 2**40  # a request id that no generated message has
fuzz = settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Witness:
    """A well-behaved client, connected once, that must never notice anything."""

    def __init__(self, broker: Broker) -> None:
        self.client = broker.client()
        self.numbers = count()
        self.live_a_life()
        self.connection = self.client._socket

    def live_a_life(self) -> None:
        job = c.Job(f"witness-{next(self.numbers)}", "witness")
        assert self.client.attempt(c.Enqueue(job)) == c.Enqueued(True)
        leased = self.client.attempt(c.Lease("witness", ("witness",), 60.0))
        assert isinstance(leased, c.Leased) and leased.delivery
        assert leased.delivery.job == job
        settled = self.client.attempt(c.Ack(job.id, leased.delivery.token))
        assert settled == c.Settled(True)

    def undisturbed(self) -> bool:
        self.live_a_life()
        return self.client._socket is self.connection


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with running(tmp_path_factory.mktemp("fuzz") / "queue.db") as broker:
        yield broker
        assert broker.alive
        assert broker.errors.read_text() == ""


@pytest.fixture(scope="module")
def witness(broker: Broker) -> Witness:
    return Witness(broker)


def refused(body: bytes) -> bool:
    try:
        wire.decode_command(body)
    except wire.MessageError:
        return True
    return False


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
# Half of the values make sense, or else few commands would get past the first look at them.
sensible = st.sampled_from([1.0, 2.0, 300.0])
wild_seconds = sensible | st.one_of(st.floats(), st.sampled_from([0.0, 1e300, math.inf, math.nan]))
wild_integer = st.integers(1, 3) | st.integers(-(2**63), 2**64 - 1)
wild_id = st.sampled_from(["a", "b", "", "\x00", "ü" * 300]) | st.text(max_size=8)
wild_retry = st.builds(
    c.RetryPolicy, wild_seconds, wild_seconds, wild_seconds,
    st.sampled_from(["none", "full", "equal", "decorrelated"]),
)  # fmt: skip
wild_job = st.builds(
    c.Job, wild_id, st.just("wild"), st.binary(max_size=20), st.none() | wild_id, wild_integer,
    wild_seconds, wild_integer, wild_seconds, wild_retry,
)  # fmt: skip
wild_command = st.one_of(
    st.builds(c.Enqueue, wild_job),
    st.builds(c.Lease, wild_id, st.sampled_from([(), ("wild",), ("wild", "x")]), wild_seconds),
    st.builds(c.Ack, wild_id, wild_integer),
    st.builds(c.Nack, wild_id, wild_integer, wild_id, st.booleans()),
    st.builds(c.Extend, wild_id, wild_integer, wild_seconds),
    st.builds(c.Release, wild_id, wild_integer),
    st.builds(c.ListDead, st.none() | wild_id, st.none() | wild_id, wild_integer),
    st.builds(c.Replay, st.lists(wild_id, max_size=3).map(tuple)),
    st.builds(c.Inspect, wild_id),
    st.just(c.Measure()),
)


@st.composite
def almost_a_command(draw: st.DrawFn) -> bytes:
    """A good message with one thing wrong: its tag, a field, the envelope, or a byte."""
    body = msgspec.msgpack.encode([draw(st.integers(1, 99)), draw(wild_command)])
    match draw(st.sampled_from(["tag", "field", "envelope", "byte", "cut"])):
        case "byte":
            at = draw(st.integers(0, len(body) - 1))
            return body[:at] + draw(st.binary(min_size=1, max_size=1)) + body[at + 1 :]
        case "cut":
            return body[: draw(st.integers(0, len(body) - 1))]
        case "envelope":
            return msgspec.msgpack.encode(draw(anything))
        case "tag":
            request_id, message = msgspec.msgpack.decode(body)
            return msgspec.msgpack.encode([request_id, message | {"type": draw(st.text())}])
    request_id, message = msgspec.msgpack.decode(body)
    field = draw(st.sampled_from(sorted(message)))
    return msgspec.msgpack.encode([request_id, message | {field: draw(anything)}])


bad_body = (st.binary(max_size=60) | almost_a_command()).filter(refused)


@fuzz
@given(bodies=st.lists(bad_body, min_size=1, max_size=20))
@example(bodies=[b""])
@example(bodies=[b"\x91" * 5000])
@example(bodies=[msgspec.msgpack.encode([True, {}])])
def test_each_bad_message_is_refused_and_its_connection_goes_on(
    bodies: list[bytes], broker: Broker, witness: Witness
) -> None:
    with connected(broker) as raw:
        raw.send(b"".join(map(framed, bodies)))
        raw.ask(MARKER, c.Measure())
        answers = [raw.reply() for _ in range(len(bodies) + 1)]
    assert [type(reply) for _, reply in answers[:-1]] == [c.Refused] * len(bodies)
    assert answers[-1][0] == MARKER and isinstance(answers[-1][1], c.Measured)
    assert witness.undisturbed()


@fuzz
@given(requests=st.lists(wild_command, min_size=1, max_size=20))
@example(requests=[c.Enqueue(c.Job("p", "wild", priority=2**63))])
def test_any_command_with_any_values_is_answered_once(
    requests: list[c.Command], broker: Broker, witness: Witness
) -> None:
    with connected(broker) as raw:
        raw.send(b"".join(wire.encode(number, r) for number, r in enumerate(requests)))
        answered = sorted(raw.reply()[0] for _ in requests)
    assert answered == list(range(len(requests)))
    assert witness.undisturbed()


@given(job=wild_job, endings=st.lists(st.sampled_from(["nack", "crash"]), max_size=6))
@example(c.Job("p", retry=c.RetryPolicy(1.0, 1e300, 1.0, "none")), ["crash"] * 4)
@example(c.Job("p", retry=c.RetryPolicy(math.inf, 2.0, math.inf, "equal")), ["nack"])
def test_a_job_that_was_accepted_can_fail_in_any_way_without_an_error_inside(
    job: c.Job, endings: list[str]
) -> None:
    now = 1e9
    queue = ReferenceQueue(SQLiteStore(":memory:"), Clock(*[lambda: now] * 3), Random(1))
    if isinstance(queue.call(c.Enqueue(job)), c.Refused):
        return
    for ending in endings:
        leased = None
        while leased is None and (change_at := queue.store.next_change_at((job.queue,))):
            now = max(now, change_at)
            answer = queue.call(c.Lease("w", (job.queue,), 1.0))
            assert isinstance(answer, c.Leased)
            leased = answer.delivery
        if leased and ending == "nack":
            # Refused only where the timeout is too short for the clock to tell it from none.
            ended = c.Settled(False, f"the lease of token {leased.token} has expired")
            answer = queue.call(c.Nack(job.id, leased.token, "failed"))
            assert answer == (c.Settled(True) if leased.lease_s > 0 else ended)
    queue.store.close()


@fuzz
@given(size=st.integers(wire.MAX_FRAME + 1, 2**32 - 1), rest=st.binary(max_size=100))
@example(size=wire.MAX_FRAME + 1, rest=b"")
def test_an_oversized_frame_costs_its_sender_the_connection(
    size: int, rest: bytes, broker: Broker, witness: Witness
) -> None:
    with connected(broker) as raw:
        raw.send(size.to_bytes(wire.HEADER, "big") + rest)
        request_id, reply = raw.reply()
        assert request_id == 0 and isinstance(reply, c.Refused)
        assert str(wire.MAX_FRAME) in reply.error and str(size) in reply.error
        assert raw.was_closed()
    assert witness.undisturbed()


@fuzz
@given(data=st.binary(max_size=100), cut=st.integers(0, 200), leave=st.sampled_from(["FIN", "RST"]))
def test_a_client_that_leaves_in_the_middle_of_a_frame_leaves_nothing_behind(
    data: bytes, cut: int, leave: str, broker: Broker, witness: Witness
) -> None:
    before = open_files(broker)
    raw = Raw(broker)
    raw.send(data)
    raw.send(wire.encode(1, c.Enqueue(c.Job("half", "wild", payload=bytes(200))))[:cut])
    raw.close() if leave == "FIN" else raw.reset()
    assert witness.undisturbed()
    wait_until(lambda: open_files(broker) <= before)


def test_many_clients_with_half_a_frame_do_not_hold_up_the_others(
    broker: Broker, witness: Witness
) -> None:
    before = open_files(broker)
    half = wire.encode(1, c.Enqueue(c.Job("slow", "wild", payload=bytes(5000))))
    silent = [Raw(broker) for _ in range(100)]
    for raw in silent:
        raw.send(half[:3000])
    assert witness.undisturbed()
    silent[0].send(half[3000:])
    assert silent[0].reply() == (1, c.Enqueued(True))
    for raw in silent:
        raw.close()
    wait_until(lambda: open_files(broker) <= before)


def test_a_frame_may_come_byte_by_byte(broker: Broker) -> None:
    with connected(broker) as raw:
        for byte in wire.encode(7, c.Inspect("nothing")):
            raw.send(bytes([byte]))
        assert raw.reply() == (7, c.Inspected(None))


def test_a_client_that_never_reads_its_answers_does_not_hold_up_the_others(
    broker: Broker, witness: Witness
) -> None:
    payload = bytes(2**20)
    for number in range(20):
        job = c.Job(f"big-{number}", "big", payload=payload, max_deliveries=1)
        assert isinstance(witness.client.call(c.Enqueue(job)), c.Enqueued)
        leased = witness.client.call(c.Lease("w", ("big",), 60.0))
        assert isinstance(leased, c.Leased) and leased.delivery
        witness.client.call(c.Nack(leased.delivery.job.id, leased.delivery.token, "no", True))
    asked = 20  # 100 MB of answers: far more than the broker is ready to buffer
    with connected(broker) as raw:
        for number in range(asked):
            raw.ask(number, c.ListDead("big", limit=5))
        assert witness.undisturbed()
        assert witness.undisturbed()
        assert [raw.reply()[0] for _ in range(asked)] == list(range(asked))
