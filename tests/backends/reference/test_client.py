"""The broker's client: never waits for ever, never guesses, repeats only what is safe.

An attempt without an answer is None: neither success nor failure. The network faults are
real ones, made by the proxy between a real client and a real broker.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from jobquake.backends.reference.broker import wire
from jobquake.backends.reference.broker.client import Client
from jobquake.backends.reference.framing import BrokerFraming
from jobquake.harness.drivers.network import Network
from jobquake.harness.faults.fields import Call, NetEffect
from jobquake.harness.faults.net_fault import NetFault
from jobquake.harness.plan.payload import payload
from jobquake.harness.plan.plan import Plan
from jobquake.protocol import commands as c
from jobquake.protocol.ledger import Ledger
from jobquake.protocol.repeat import RepeatPolicy
from support.broker_process import Broker, running, wait_until

LONG_S = 60.0
OK = c.Enqueued(created=True)


@contextmanager
def answering(answer: Callable[[socket.socket, bytes], None]) -> Iterator[str]:
    """A server of one's own: ``answer`` gets each connection with its first bytes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                data = connection.recv(65536)
                if data:
                    answer(connection, data)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_nobody_listens_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert Client(f"127.0.0.1:{port}").attempt(c.Measure()) is None


def test_a_connection_that_is_never_accepted_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = []
        for _ in range(4):  # more than the backlog takes
            queued = socket.socket()
            queued.setblocking(False)
            queued.connect_ex(address)
            waiting.append(queued)
        client = Client(f"127.0.0.1:{address[1]}", connect_timeout_s=0.2, read_timeout_s=LONG_S)
        assert client.attempt(c.Measure()) is None
        for queued in waiting:
            queued.close()


def test_an_answer_that_does_not_come_in_time_is_none_and_the_connection_is_dropped() -> None:
    dropped = threading.Event()

    def say_nothing(connection: socket.socket, _: bytes) -> None:
        if connection.recv(1) == b"":
            dropped.set()

    with answering(say_nothing) as address:
        assert Client(address, LONG_S, read_timeout_s=0.1).attempt(c.Measure()) is None
        assert dropped.wait(LONG_S)


def test_an_answer_that_drips_in_does_not_stretch_the_timeout() -> None:
    """Each byte comes in time, the whole never does."""
    given_up = threading.Event()
    dripped = 0

    def drip(connection: socket.socket, _: bytes) -> None:
        nonlocal dripped
        connection.send((1000).to_bytes(wire.HEADER, "big"))
        while dripped < 1000 and not given_up.wait(0.02):
            connection.send(b"\x00")
            dripped += 1

    with answering(drip) as address:
        assert Client(address, LONG_S, read_timeout_s=0.3).attempt(c.Measure()) is None
        given_up.set()
    assert 0 < dripped < 1000


@pytest.mark.parametrize(
    "nonsense",
    [b"\xff\xff\xff\xff", b"\x00\x00\x00\x01\xc1", wire.encode(1, c.Measure()), b"\x00\x00"],
)
def test_an_answer_that_is_nonsense_is_no_answer(nonsense: bytes) -> None:
    with answering(lambda connection, _: connection.sendall(nonsense)) as address:
        assert Client(address, LONG_S, LONG_S).attempt(c.Measure()) is None


def test_a_late_answer_to_another_request_is_passed_over() -> None:
    def answer_an_older_one_first(connection: socket.socket, data: bytes) -> None:
        (body,) = wire.split(bytearray(data))
        request_id, _ = wire.decode_command(body)
        late, own = c.Enqueued(False), c.Enqueued(True)
        connection.sendall(wire.encode(request_id - 1 or 999, late) + wire.encode(request_id, own))

    with answering(answer_an_older_one_first) as address:
        reply = Client(address, LONG_S, LONG_S).attempt(c.Enqueue(c.Job("j")))
    assert reply == c.Enqueued(True)


def test_an_address_that_is_none_is_refused_at_once() -> None:
    for address in ("nonsense", "host:", ":1", "host:port"):
        with pytest.raises(ValueError, match="expected an address HOST:PORT"):
            Client(address)


def test_calls_without_any_answer_end_as_unanswered_and_refused_ones_as_errors(
    tmp_path: Path,
) -> None:
    with running(tmp_path / "queue.db") as broker:
        client = Client(broker.address, LONG_S, LONG_S, RepeatPolicy(3, 0.001))
        with pytest.raises(c.QueueError, match="expected a job id"):
            client.call(c.Enqueue(c.Job("")))
        broker.end()
        with pytest.raises(c.Unanswered, match="found none in 3 attempts"):
            client.call(c.Measure())


def test_a_command_too_large_for_a_frame_is_refused_unsent(tmp_path: Path) -> None:
    with running(tmp_path / "queue.db") as broker:
        client = broker.client()
        huge = c.Enqueue(c.Job("huge", payload=bytes(wire.MAX_FRAME)))
        reply = client.attempt(huge)
        assert isinstance(reply, c.Refused) and str(wire.MAX_COMMAND) in reply.error
        with pytest.raises(c.QueueError, match="put large payloads elsewhere"):
            client.call(huge)
        assert client.attempt(c.Inspect("huge")) == c.Inspected(None)


def test_the_largest_job_that_is_accepted_can_be_handed_out_and_given_up(tmp_path: Path) -> None:
    around = len(wire.encode(1, c.Enqueue(c.Job("large", payload=b"")))) + 3  # its length is longer
    whole = payload("large", wire.MAX_COMMAND - around)
    with running(tmp_path / "queue.db") as broker:
        client = broker.client()
        assert client.attempt(c.Enqueue(c.Job("larger", payload=whole + bytes(16)))) != OK
        assert client.attempt(c.Enqueue(c.Job("large", payload=whole))) == OK
        for _ in range(3):
            leased = client.attempt(c.Lease("w", ("default",), LONG_S))
            assert isinstance(leased, c.Leased) and leased.delivery
            assert leased.delivery.job.payload == whole
            client.attempt(c.Release("large", leased.delivery.token))
        leased = client.attempt(c.Lease("w", ("default",), LONG_S))
        assert isinstance(leased, c.Leased) and leased.delivery
        client.attempt(c.Nack("large", leased.delivery.token, "it is gone", permanent=True))
        dead = client.attempt(c.ListDead())
        assert isinstance(dead, c.DeadLetters)
        assert [letter.job.payload for letter in dead.letters] == [whole]


def test_a_lease_may_wait_longer_than_the_read_timeout(tmp_path: Path) -> None:
    with running(tmp_path / "queue.db") as broker:
        client = Client(broker.address, LONG_S, read_timeout_s=0.3)
        client.attempt(c.Enqueue(c.Job("j", "q", delay_s=0.6)))
        leased = client.attempt(c.Lease("w", ("q",), LONG_S, LONG_S))
        assert isinstance(leased, c.Leased) and leased.delivery


def test_it_reconnects_to_a_broker_that_was_killed_and_came_back(tmp_path: Path) -> None:
    broker = Broker(tmp_path / "queue.db")
    client = broker.client()
    assert client.attempt(c.Enqueue(c.Job("j"))) == c.Enqueued(True)
    broker.end()
    assert client.attempt(c.Inspect("j")) is None
    assert client.attempt(c.Inspect("j")) is None
    with running(broker.db, broker.port):
        assert client.attempt(c.Inspect("j")) == c.Inspected("ready")


@contextmanager
def faulty_network(tmp_path: Path, call: Call, how: NetEffect) -> Iterator[tuple[Broker, Client]]:
    """The first ``call`` through this network meets the fault; the broker, and a client."""
    fault = NetFault(call, 1, how, delay_s=0.4)
    plan = Plan("test", "default", 0, (), (), (), (fault,), ())
    ledger = Ledger(tmp_path / "ledger.jsonl")
    with running(tmp_path / "queue.db") as broker:
        proxy = Network(broker.address, BrokerFraming(), plan, ledger, "embedded", "test")
        client = Client(proxy.start(1)[0], 10.0, 0.2)
        try:
            yield broker, client
        finally:
            client.close()
            proxy.stop()
            ledger.close()


FAULTS: list[NetEffect] = ["lose_request", "lose_reply", "delay", "duplicate", "reset"]


@pytest.mark.parametrize("how", FAULTS)
def test_an_enqueue_that_is_repeated_is_held_once(tmp_path: Path, how: NetEffect) -> None:
    with faulty_network(tmp_path, "enqueue", how) as (broker, client):
        reply = client.call(c.Enqueue(c.Job("j", "q")))
        assert isinstance(reply, c.Enqueued)
        direct = broker.client()
        arrived = 1 if how in ("lose_request", "reset") else 2  # or more: who waits asks again

        def counted() -> int:
            measured = direct.call(c.Measure())
            assert isinstance(measured, c.Measured)
            return sum(measured.counters.values())

        wait_until(lambda: counted() >= arrived)
        leased = direct.attempt(c.Lease("w", ("q",), LONG_S))
        assert isinstance(leased, c.Leased) and leased.delivery
        assert direct.attempt(c.Lease("w", ("q",), LONG_S)) == c.Leased(None)


@pytest.mark.parametrize("how", FAULTS)
def test_an_ack_that_is_repeated_is_accepted_and_counts_once(
    tmp_path: Path, how: NetEffect
) -> None:
    with faulty_network(tmp_path, "ack", how) as (broker, client):
        direct = broker.client()
        direct.call(c.Enqueue(c.Job("j", "q")))
        direct.call(c.Lease("w", ("q",), LONG_S))
        settled = client.call(c.Ack("j", 1))
        assert isinstance(settled, c.Settled) and settled.accepted
        assert direct.attempt(c.Inspect("j")) == c.Inspected("done", 1)
