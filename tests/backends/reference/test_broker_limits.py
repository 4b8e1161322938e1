"""One client of the broker cannot disturb another: what is too much is refused, in one sentence."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from random import Random

import psutil
import pytest
from jobquake.backends.reference import core, tally
from jobquake.backends.reference.broker import wire
from jobquake.backends.reference.broker.broker import Broker as Served
from jobquake.backends.reference.broker.limits import Limits
from jobquake.backends.reference.broker.waiting import WaitingRoom
from jobquake.backends.reference.queue import ReferenceQueue
from jobquake.backends.reference.stores.sqlite import SQLiteStore
from jobquake.protocol import commands as c
from jobquake.protocol.clock import Clock
from support.broker_process import Broker, Raw, connected, running, state_of, wait_until

LIMITS = Limits()
LONG_S = 60.0


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running(tmp_path / "queue.db") as broker:
        yield broker
        assert broker.errors.read_text() == ""


def refused(raw: Raw) -> str:
    reply = raw.reply()[1]
    assert isinstance(reply, c.Refused), reply
    assert reply.error.startswith("expected at most ") and ";" in reply.error
    return reply.error


def a_life_is_lived(broker: Broker) -> None:
    client = broker.client()
    assert client.call(c.Enqueue(c.Job("good", "good"))) == c.Enqueued(True)
    leased = client.call(c.Lease("good", ("good",), LONG_S, LONG_S))
    assert isinstance(leased, c.Leased) and leased.delivery
    assert client.call(c.Ack("good", leased.delivery.token)) == c.Settled(True)
    client.close()


def test_a_client_that_waits_more_than_it_may_is_refused_and_others_go_on(broker: Broker) -> None:
    most = LIMITS.waiting_leases_a_client
    with connected(broker) as greedy:
        for number in range(most + 3):
            greedy.ask(number, c.Lease("w", ("q",), LONG_S, LONG_S))
        for _ in range(3):
            assert f"{most} leases of one client" in refused(greedy)
        a_life_is_lived(broker)
        broker.client().call(c.Enqueue(c.Job("j", "q")))
        request_id, reply = greedy.reply()
        assert request_id == 0 and isinstance(reply, c.Leased) and reply.delivery


def test_a_lease_that_names_too_many_queues_is_refused_and_sigterm_is_obeyed(
    broker: Broker,
) -> None:
    names = tuple(f"queue-{number}" for number in range(300_000))
    with connected(broker) as greedy:
        greedy.ask(1, c.Lease("w", names, LONG_S, LONG_S))
        assert "100 queues in a lease, found 300000" in refused(greedy)
        greedy.ask(2, c.Replay(names[:5000]))
        assert "1000 jobs in a replay" in refused(greedy)
        greedy.ask(3, c.Lease("w", names, LONG_S, LONG_S))
        assert broker.end(signal.SIGTERM) == 0


def test_one_connection_too_many_is_told_so_and_closed(tmp_path: Path) -> None:
    with running(tmp_path / "queue.db", 0, "--connections", "2") as broker, ExitStack() as stack:
        first, second = (stack.enter_context(connected(broker)) for _ in range(2))
        for raw in (first, second):
            raw.ask(1, c.Inspect("j"))
            assert raw.reply() == (1, c.Inspected(None))
        third = stack.enter_context(connected(broker))
        assert "2 connections" in refused(third)
        assert third.was_closed()
        first.close()

        def let_in() -> bool:
            with connected(broker) as next_one:
                next_one.ask(1, c.Inspect("j"))
                return isinstance(next_one.reply()[1], c.Inspected)

        wait_until(let_in)


def test_whoever_sends_one_command_has_its_turn_before_a_crowd_of_another_client(
    broker: Broker,
) -> None:
    """All of it is there when the broker wakes up; the file tells in which order it was taken."""
    with connected(broker) as greedy, connected(broker) as modest:
        for raw in (greedy, modest):
            raw.ask(1, c.Inspect("j"))
            raw.reply()
        broker.send(signal.SIGSTOP)
        wait_until(lambda: psutil.Process(broker.process.pid).status() == psutil.STATUS_STOPPED)
        crowd = (wire.encode(n, c.Enqueue(c.Job(f"crowd-{n}", "q"))) for n in range(1000))
        greedy.send(b"".join(crowd))
        modest.ask(2, c.Enqueue(c.Job("modest", "q")))
        broker.send(signal.SIGCONT)
        assert modest.reply() == (2, c.Enqueued(True))
        wait_until(lambda: state_of(broker.client(), "crowd-999") == "ready")
    store = SQLiteStore(broker.db)
    record = store.get("modest")
    assert record and record.sequence <= 2 * LIMITS.pending_commands
    store.close()


def test_the_file_is_told_nothing_of_a_lease_of_the_client_that_left(broker: Broker) -> None:
    with connected(broker) as leaves:
        for number in range(100):
            leaves.ask(number, c.Lease("gone", (f"q{number % 50}",), LONG_S, LONG_S))
        leaves.ask(500, c.Inspect("j"))
        assert leaves.reply()[0] == 500
    with connected(broker) as stays:
        stays.ask(1, c.Lease("stays", ("q1",), LONG_S, LONG_S))
        stays.ask(2, c.Enqueue(c.Job("j", "q1")))
        replies = dict(stays.reply() for _ in range(2))
        reply = replies[1]
        assert isinstance(reply, c.Leased) and reply.delivery and reply.delivery.number == 1


# -- in this process, with limits of its own --------------------------------------------------


@asynccontextmanager
async def serving(limits: Limits) -> AsyncIterator[int]:
    queue = ReferenceQueue(SQLiteStore(":memory:"), Clock(), Random(0))
    broker = Served(queue, limits)
    _, port = await broker.start("127.0.0.1", 0)
    yield port
    await broker.stop()
    queue.store.close()


async def answer(reader: asyncio.StreamReader) -> c.Reply:
    header = await reader.readexactly(wire.HEADER)
    return wire.decode_reply(await reader.readexactly(int.from_bytes(header, "big")))[1]


def run(limits: Limits, play: Callable[[int], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with serving(limits) as port:
            await asyncio.wait_for(play(port), LONG_S)

    asyncio.run(whole())


def test_unfinished_messages_of_all_clients_have_a_bound() -> None:
    limits = LIMITS._replace(unfinished_bytes=100_000, unfinished_bytes_free=1000)

    async def play(port: int) -> None:
        streams = [await asyncio.open_connection("127.0.0.1", port) for _ in range(4)]
        for _, writer in streams[:3]:
            writer.write((1_000_000).to_bytes(4, "big") + bytes(40_000))
        ended = [asyncio.ensure_future(answer(reader)) for reader, _ in streams[:3]]
        done, _ = await asyncio.wait(ended, return_when=asyncio.FIRST_COMPLETED)
        (refusal,) = (task.result() for task in done)
        assert isinstance(refusal, c.Refused) and "100000 bytes of unfinished" in refusal.error
        reader, writer = streams[3]
        writer.write(wire.encode(1, c.Enqueue(c.Job("small"))))
        assert await answer(reader) == c.Enqueued(True)
        for task in ended:
            task.cancel()
        for _, writer in streams:
            writer.close()

    run(limits, play)


@pytest.mark.parametrize("begun", [b"", b"\0\0\1\0half"])
def test_who_owes_the_rest_of_a_message_or_says_nothing_is_cut_off(begun: bytes) -> None:
    limits = LIMITS._replace(unfinished_s=0.1, idle_s=LONG_S if begun else 0.1)

    async def play(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(begun)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await answer(reader)
        writer.close()

    run(limits, play)


def test_who_waits_for_a_job_is_not_idle() -> None:
    async def play(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(wire.encode(1, c.Lease("w", ("q",), 1.0, wait_s=2.5)))
        assert await answer(reader) == c.Leased(None)
        writer.close()

    run(LIMITS._replace(idle_s=0.1), play)


# -- what stays behind ------------------------------------------------------------------------


def test_refused_commands_leave_no_name_behind() -> None:
    queue = ReferenceQueue(SQLiteStore(":memory:"), Clock(), Random(0))
    for number in range(5000):
        queue.call(c.Enqueue(c.Job("", f"made-up-{number}")))
        queue.call(c.Ack(f"nobody-{number}", 1))
    measured = queue.measure()
    assert {count.queue for count in measured.counts or ()} == {""}
    assert measured.counters == {"refused": 10_000}
    assert len(queue._tally._events) == 2


def test_queues_beyond_a_number_are_counted_together() -> None:
    store = SQLiteStore(":memory:")
    queue = ReferenceQueue(store, Clock(), Random(0))
    more = tally.MOST_QUEUES + 50
    with queue.transaction():
        for number in range(more):
            queue.call(c.Enqueue(c.Job(f"job-{number}", f"queue-{number}")))
            queue.call(c.Lease(f"w-{number}", (f"queue-{number}",), LONG_S))
    measured = queue.measure()
    for rows in (measured.depths, measured.counts or (), measured.usage or ()):
        assert len({row.queue for row in rows}) == tally.MOST_QUEUES + 1
    assert sum(depth.count for depth in measured.depths) == more
    assert sum(usage.workers for usage in measured.usage or ()) == more


def test_what_a_turn_that_failed_has_counted_is_taken_back() -> None:
    queue = ReferenceQueue(SQLiteStore(":memory:"), Clock(), Random(0))
    queue.call(c.Enqueue(c.Job("kept", "q")))
    before = queue.measure().counts

    def a_turn_that_fails() -> None:
        with queue.transaction():
            queue.call(c.Enqueue(c.Job("lost", "q")))
            queue.call(c.Lease("w", ("q",), LONG_S))
            queue.call(c.Ack("kept", 1))
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        a_turn_that_fails()
    assert queue.measure().counts == before
    assert queue.call(c.Inspect("lost")) == c.Inspected(None)


def test_a_waiting_room_that_all_have_left_holds_nothing() -> None:
    room: WaitingRoom[str] = WaitingRoom(LIMITS)
    for number in range(3300):
        client = f"client-{number % 7}"
        room.enter(client, number, c.Lease("w", ("a", "b", "a"), 1.0), float(number))
        if number % 3:
            room.leave(room.serve(("b",), lambda waiter: True)[0])
    for number in range(7):
        room.client_left(f"client-{number}")
    assert not len(room) and not list(room.queues) and not room._lines
    assert not room._of_client and not room._names_of_client
    assert len(room._ends) <= 3100


def test_lines_are_served_in_the_order_in_which_their_waiters_came() -> None:
    room: WaitingRoom[str] = WaitingRoom(LIMITS)
    for number, queues in enumerate([("a",), ("b", "a"), ("a",), ("c",)]):
        room.enter("client", number, c.Lease("w", queues, 1.0), 9.0)
    tried: list[int] = []

    def try_one(waiter: object) -> bool:
        tried.append(waiter.request_id)  # type: ignore[attr-defined]
        return len(tried) < 3

    assert [waiter.request_id for waiter in room.serve({"a"}, try_one)] == [0, 1]
    assert tried == [0, 1, 2], "and nobody of the line that waits for something else"


def test_names_and_errors_have_bounds_so_that_every_job_fits_into_an_answer() -> None:
    assert core.unfit(c.Job("x" * core.LONGEST_NAME)) is None
    assert "of at most 8192 characters, found 8193" in (core.unfit(c.Job("x" * 8193)) or "")
    assert "255 characters" in (core.unfit_lease("w" * 256, 1.0) or "")


class Counting(Served):
    """Counts its looks at what time alone may have changed, and notes how long it waits for one."""

    looks = 0
    pauses_s: tuple[float, ...] = ()

    def _tick(self) -> None:
        self.looks += 1
        super()._tick()

    def _look_in(self, seconds: float) -> None:
        self.pauses_s += (seconds,)
        super()._look_in(seconds)


def test_a_broker_with_nothing_due_looks_once_a_second_and_at_a_deadline_in_time() -> None:
    async def whole() -> None:
        queue = ReferenceQueue(SQLiteStore(":memory:"), Clock(), Random(0))
        broker, loop = Counting(queue, LIMITS), asyncio.get_running_loop()
        _, port = await broker.start("127.0.0.1", 0)
        try:
            begun = loop.time()
            while broker.looks < 2:
                await asyncio.sleep(0.01)
            assert loop.time() - begun > 0.9, "the first look came at its start"
            assert set(broker.pauses_s) == {1.0}
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(wire.encode(1, c.Enqueue(c.Job("a", "q", delay_s=0.7))))
            writer.write(wire.encode(2, c.Lease("w", ("q",), LONG_S, LONG_S)))
            await answer(reader)
            leased = await answer(reader)
            assert isinstance(leased, c.Leased) and leased.delivery
            assert min(broker.pauses_s) <= 0.7
            writer.close()
        finally:
            await broker.stop()
            queue.store.close()

    asyncio.run(whole())
