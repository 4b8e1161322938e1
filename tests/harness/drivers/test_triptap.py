"""The taps that know round trips by their names: what they see, and what they strike."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import pytest
from jobquake.frameworks.brokers.resp import RedisCalls
from jobquake.frameworks.libraries.celery.outside import Commands
from jobquake.harness.drivers.calltap import Wire
from jobquake.harness.drivers.trips import Record, TripStrikes
from jobquake.harness.drivers.triptap import TripTap, Watch
from jobquake.harness.drivers.watched import Watched
from jobquake.harness.faults.break_trip import BreakTrip
from jobquake.harness.faults.fault import TripFault
from jobquake.harness.faults.fields import TripEffect
from jobquake.harness.faults.kill_at_trip import KillAtTrip
from jobquake.harness.plan.plan import Plan
from jobquake.harness.strikes import CallStrikes
from jobquake.protocol.events import Phase
from jobquake.proxy.applied import Direction
from support.frameworks import plan

UP, DOWN = Direction.UPSTREAM, Direction.DOWNSTREAM
WORKER, PRODUCER = 0, 1
PUSH = b"*3\r\n$5\r\nLPUSH\r\n$1\r\nq\r\n$5\r\njob-0\r\n"
PUSHED = b":1\r\n"
POP = b"*3\r\n$5\r\nBRPOP\r\n$1\r\nq\r\n$1\r\n1\r\n"
NOTHING, POPPED = b"*-1\r\n", b"*2\r\n$1\r\nq\r\n$5\r\njob-0\r\n"
HOLD = b"*1\r\n$5\r\nMULTI\r\n*3\r\n$4\r\nHSET\r\n$7\r\nunacked\r\n$1\r\nt\r\n*1\r\n$4\r\nEXEC\r\n"
HELD = b"+OK\r\n+QUEUED\r\n*1\r\n:1\r\n"


class Line:
    """One connection: what passed each way, and whether it was reset."""

    def __init__(self, number: int = 1) -> None:
        self.number = number
        self.up = self.down = b""
        self.was_reset = False
        self.ends: list[Direction] = []

    def forward(self, direction: Direction, data: bytes) -> None:
        if direction is UP:
            self.up += data
        else:
            self.down += data

    def reset(self) -> None:
        self.was_reset = True

    def end(self, direction: Direction) -> None:
        self.ends.append(direction)

    def pause(self, direction: Direction) -> None: ...
    def resume(self, direction: Direction) -> None: ...
    def close(self) -> None: ...


class Stage:
    """The taps of a run with these faults; ``struck``: which of them, and for how long."""

    def __init__(self, *faults: TripFault) -> None:
        self.struck: list[tuple[int, float]] = []
        self.jobs: list[int] = []
        self.record = Record()
        self.plan: Plan = plan(*faults)
        self.strikes = TripStrikes(self.plan)
        framing = Watched(RedisCalls(Commands))
        index = self.plan.job_index
        wire = Wire(framing, CallStrikes(self.plan), lambda node: None, self._strike, index)
        self.watch = Watch(wire, self.strikes, self.record)

    def _strike(
        self, fault: int, node: int, phase: Phase, job: int, length_s: float = 0.0, words: str = ""
    ) -> None:
        assert phase == Phase.ON_THE_WIRE
        self.jobs.append(job)
        self.struck.append((fault, length_s))

    def begin(self) -> Stage:
        self.strikes.begin()
        return self

    def connection(self, node: int = WORKER, number: int = 1) -> tuple[TripTap, Line]:
        line = Line(number)
        return TripTap(self.watch, node, line), line


def on_a_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    @wraps(test)
    def runs(*given: Any, **named: Any) -> None:
        asyncio.run(test(*given, **named))  # type: ignore[arg-type]

    return runs


@on_a_loop
async def test_what_is_sent_at_once_and_its_answers_are_one_round_trip() -> None:
    stage = Stage().begin()
    tap, line = stage.connection()
    tap.received(UP, HOLD[:20])
    assert line.up == b""
    tap.received(UP, HOLD[20:])
    tap.received(DOWN, HELD[:7])
    tap.received(DOWN, HELD[7:])
    (trip,) = stage.record.trips
    assert (trip.side, trip.name, trip.wire) == ("worker", "MULTI HSET unacked", "Resp")
    assert (trip.request_bytes, trip.reply_bytes) == (len(HOLD), len(HELD))
    assert (line.up, line.down) == (HOLD, HELD)


@on_a_loop
async def test_a_round_trip_knows_the_jobs_that_it_carries() -> None:
    stage = Stage().begin()
    producer, _ = stage.connection(PRODUCER)
    producer.received(UP, PUSH)
    producer.received(DOWN, PUSHED)
    worker, _ = stage.connection()
    worker.received(UP, POP)
    worker.received(DOWN, POPPED)
    pushed, popped = stage.record.trips
    assert (pushed.side, pushed.asks, pushed.brings) == ("producer", (0,), ())
    assert (popped.side, popped.asks, popped.brings) == ("worker", (), (0,))


@on_a_loop
async def test_who_is_answered_unasked_is_let_alone() -> None:
    tap, line = Stage().connection()
    tap.received(UP, b"*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nc\r\n")
    tap.received(DOWN, b"*3\r\n$9\r\nsub")
    assert line.down == b"*3\r\n$9\r\nsub"


BEFORE: list[TripEffect] = ["lose_request", "reset_before"]
AFTER: list[TripEffect] = ["lose_reply", "reset_after"]


@pytest.mark.parametrize("how", BEFORE + AFTER)
@on_a_loop
async def test_a_connection_is_dead_from_the_round_trip_on(how: TripEffect) -> None:
    stage = Stage(BreakTrip("worker", "MULTI HSET unacked", how)).begin()
    tap, line = stage.connection()
    tap.received(UP, POP)
    tap.received(DOWN, NOTHING)
    tap.received(UP, HOLD)
    tap.received(DOWN, HELD)
    tap.received(UP, POP)
    assert line.up == POP + (HOLD if how in AFTER else b"")
    assert line.down == NOTHING
    assert line.was_reset == how.startswith("reset")
    assert stage.struck == [(0, 0.0)]


@pytest.mark.parametrize("moment", ["before", "after"])
@on_a_loop
async def test_of_a_node_that_is_being_killed_nothing_passes(moment: Any) -> None:
    stage = Stage(KillAtTrip("worker", "MULTI HSET unacked", moment)).begin()
    tap, line = stage.connection()
    other, other_line = stage.connection(number=2)
    tap.received(UP, HOLD)
    tap.received(DOWN, HELD)
    other.received(UP, POP)
    assert stage.struck == [(0, 0.0)]
    assert (line.up, line.down) == ((HOLD if moment == "after" else b""), b"")
    assert other_line.up == b""
    tap.closed()
    successor, successor_line = stage.connection(number=3)
    successor.received(UP, HOLD)
    assert successor_line.up == HOLD
    assert stage.struck == [(0, 0.0)]


@on_a_loop
async def test_a_late_answer_holds_back_what_comes_behind_it() -> None:
    stage = Stage(BreakTrip("worker", "BRPOP q", "late", 1, 0.01)).begin()
    tap, line = stage.connection()
    tap.received(UP, POP)
    tap.received(DOWN, NOTHING)
    tap.received(UP, HOLD)
    tap.received(DOWN, HELD)
    assert (line.up, line.down) == (POP + HOLD, b"")
    while not line.down.endswith(HELD):
        await asyncio.sleep(0.001)
    assert line.down == NOTHING + HELD
    assert stage.struck == [(0, 0.01)]


@on_a_loop
async def test_what_was_sent_in_the_dark_passes_afterwards_on_every_connection() -> None:
    stage = Stage(BreakTrip("worker", "BRPOP q", "dark", 1, 0.01)).begin()
    tap, line = stage.connection()
    other, other_line = stage.connection(number=2)
    tap.received(UP, POP)
    other.received(UP, HOLD)
    assert line.up == other_line.up == b""
    while not other_line.up:
        await asyncio.sleep(0.001)
    assert (line.up, other_line.up) == (POP, HOLD)
    tap.received(DOWN, NOTHING)
    assert line.down == NOTHING


@on_a_loop
async def test_of_answers_of_one_name_the_one_with_the_job_is_struck() -> None:
    stage = Stage(BreakTrip("worker", "BRPOP q", "lose_reply", 0)).begin()
    tap, line = stage.connection()
    for answer in (NOTHING, NOTHING, POPPED):
        tap.received(UP, POP)
        tap.received(DOWN, answer)
    assert line.down == NOTHING * 2
    assert stage.struck == [(0, 0.0)]


@on_a_loop
async def test_round_trips_are_counted_from_the_beginning_of_the_run_and_by_side() -> None:
    stage = Stage(BreakTrip("worker", "BRPOP q", "lose_request", 2))
    tap, line = stage.connection()
    producer, _ = stage.connection(PRODUCER)
    tap.received(UP, POP)
    stage.begin()
    producer.received(UP, POP)
    tap.received(UP, POP)
    assert line.up == POP * 2
    tap.received(UP, POP)
    assert line.up == POP * 2
    assert stage.struck == [(0, 0.0)]


POPPED_1 = POPPED.replace(b"job-0", b"job-1")


@on_a_loop
async def test_two_faults_on_one_name_strike_the_jobs_that_they_are_meant_for() -> None:
    first, second = (BreakTrip("worker", "BRPOP q", "lose_reply", 0, job=job) for job in (0, 1))
    stage = Stage(first, second).begin()
    for number, answer in enumerate((NOTHING, POPPED_1, POPPED)):
        tap, line = stage.connection(number=number)
        tap.received(UP, POP)
        tap.received(DOWN, answer)
        assert line.down == (answer if answer == NOTHING else b"")
    assert [fault for fault, _ in stage.struck] == [1, 0] and stage.jobs == [1, 0]


HOWS: tuple[TripEffect, ...] = ("reset_before", "late")


@on_a_loop
async def test_a_round_trip_is_struck_once_at_its_request_before_its_answer() -> None:
    before, after = (BreakTrip("worker", "BRPOP q", how, 1) for how in HOWS)
    stage = Stage(after, before).begin()
    tap, line = stage.connection()
    tap.received(UP, POP)
    assert (line.up, line.was_reset) == (b"", True)
    assert stage.struck == [(1, 0.0)]


@on_a_loop
async def test_what_is_delivered_twice_is_answered_once_and_struck_by_the_second_answer() -> None:
    stage = Stage(BreakTrip("worker", "MULTI HSET unacked", "twice")).begin()
    tap, line = stage.connection()
    tap.received(UP, HOLD)
    assert line.up == HOLD * 2
    tap.received(DOWN, HELD)
    assert (line.down, stage.struck) == (HELD, [])
    tap.received(DOWN, HELD)
    assert (line.down, stage.struck) == (HELD, [(0, 0.0)])
    tap.received(UP, POP)
    tap.received(DOWN, NOTHING)
    assert (line.up, line.down) == (HOLD * 2 + POP, HELD + NOTHING)
    assert [trip.name for trip in stage.record.trips].count("MULTI HSET unacked") == 2


@on_a_loop
async def test_what_a_connection_cannot_bear_is_not_delivered_twice() -> None:
    stage = Stage(BreakTrip("worker", "BRPOP q", "twice")).begin()
    tap, line = stage.connection()
    tap.received(UP, POP)
    tap.received(DOWN, NOTHING)
    assert (line.up, line.down, stage.struck) == (POP, NOTHING, [])


CHARGE = b"POST /charges HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n%s\r\n{}"
CHARGED = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(("more", "times"), [(b"", 2), (b"Connection: close\r\n", 1)])
@on_a_loop
async def test_http_is_delivered_twice_unless_the_connection_ends_with_it(
    more: bytes, times: int
) -> None:
    stage = Stage(BreakTrip("worker", "payments: POST /charges", "twice")).begin()
    line = Line()
    tap = TripTap(stage.watch, WORKER, line, "payments")
    tap.received(UP, CHARGE % more)
    tap.received(DOWN, CHARGED * times)
    assert line.up == CHARGE % more * times and line.down == CHARGED
    assert len(stage.struck) == times - 1


@on_a_loop
async def test_who_was_struck_is_the_job_in_the_round_trip_where_that_is_known() -> None:
    stage = Stage(BreakTrip("producer", "LPUSH q", "lose_reply", 2, job=0)).begin()
    tap, _ = stage.connection(PRODUCER)
    for request in (PUSH, PUSH.replace(b"job-0", b"job-1")):
        tap.received(UP, request)
        tap.received(DOWN, PUSHED)
    assert stage.jobs == [1]


SILENT: list[TripFault] = [
    KillAtTrip("worker", "BRPOP q", "after", 1),
    BreakTrip("worker", "BRPOP q", "lose_request", 1),
    BreakTrip("worker", "BRPOP q", "lose_reply", 1),
]


@pytest.mark.parametrize("fault", SILENT, ids=repr)
@on_a_loop
async def test_whoever_hears_no_answer_does_not_hear_either_that_its_server_closed(
    fault: TripFault,
) -> None:
    stage = Stage(fault).begin()
    tap, line = stage.connection()
    tap.received(UP, POP)
    tap.received(DOWN, POPPED)
    tap.ended(DOWN)
    assert line.down == b"" and line.ends == []
    tap.ended(UP)
    assert line.ends == [UP, DOWN], "who is dead, or has lost patience, is gone"


@on_a_loop
async def test_a_late_answer_comes_before_the_end_of_its_connection() -> None:
    stage = Stage(BreakTrip("worker", "BRPOP q", "late", 1, 0.01)).begin()
    tap, line = stage.connection()
    tap.received(UP, POP)
    tap.received(DOWN, POPPED)
    tap.ended(DOWN)
    assert line.ends == []
    while not line.ends:
        await asyncio.sleep(0.005)
    assert (line.down, line.ends) == (POPPED, [DOWN])


@on_a_loop
async def test_what_arrives_after_a_silence_is_carried_out_though_its_sender_has_left() -> None:
    stage = Stage(BreakTrip("worker", "BRPOP q", "dark", 1, 0.01)).begin()
    tap, line = stage.connection()
    tap.received(UP, POP)
    tap.ended(UP)
    assert line.up == b"" and line.ends == []
    while not line.up:
        await asyncio.sleep(0.005)
    assert line.ends == [], "its answer is still to be seen"
    tap.received(DOWN, POPPED)
    assert line.ends == [UP]
    (trip,) = stage.record.trips
    assert trip.answered_s > 0.0
