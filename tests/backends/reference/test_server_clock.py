"""Processes that share a store go by its server's clock, which each reads over a slow network.

Time is a number here, and a question takes as long on its way as the test says.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, repeat
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jobquake.backends.reference.queue import ReferenceQueue
from jobquake.backends.reference.stores.memory import MemoryStore
from jobquake.backends.reference.stores.store import ServerClock
from jobquake.protocol.clock import Clock
from jobquake.protocol.commands import (
    Ack,
    Enqueue,
    Extend,
    Job,
    Lease,
    Leased,
    Nack,
    RetryPolicy,
    Settled,
)

AHEAD_S = 1_000_000.0  # of the server's clock, over everybody's monotonic one
QUICK = (0.00005, 0.00005)
LENGTH_S = 5.0
Way = tuple[float, float]  # of the question, and of its answer, in seconds


class World:
    """One time for all, and a server that tells it."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.store = MemoryStore()

    def monotonic(self) -> float:
        return self.now_s

    def true_s(self) -> float:
        return self.now_s + AHEAD_S

    def clock(self, *ways: Way) -> Clock:
        """The server's, as one reads it whose questions take these ways; the last one for ever."""
        left: Iterator[Way] = chain(ways, repeat(ways[-1]))

        def ask() -> float:
            there_s, back_s = next(left)
            self.now_s += there_s
            shown = self.true_s()
            self.now_s += back_s
            return shown

        return ServerClock.clock(ask, self.monotonic)

    def queue(self, *ways: Way) -> ReferenceQueue:
        return ReferenceQueue(self.store, self.clock(*ways), Random(0))


@pytest.fixture
def world() -> World:
    return World()


WAYS = st.floats(0.0, 0.5) | st.floats(0.0, 0.001)


@given(st.lists(st.tuples(WAYS, WAYS), min_size=1, max_size=9))
def test_a_reading_is_never_ahead_and_no_further_behind_than_it_says(ways: list[Way]) -> None:
    world = World()
    clock = world.clock(*ways)
    read = clock.wall()
    tiny = 1e-9  # what adding such numbers rounds off
    assert read <= world.true_s() + tiny
    assert world.true_s() <= read + clock.behind_s() + tiny


def test_a_slow_answer_is_asked_for_again(world: World) -> None:
    clock = world.clock((0.0, 0.5), QUICK)
    assert clock.wall() == pytest.approx(world.true_s(), abs=0.001)
    assert clock.behind_s() < 0.001


@pytest.mark.parametrize("step_s", [-4000.0, 4000.0])
def test_a_clock_that_is_put_right_between_two_answers_is_read_anew(
    world: World, step_s: float
) -> None:
    clock = world.clock((0.0, 0.5), (-step_s, step_s))  # it shows another time when asked again
    assert clock.wall() == pytest.approx(world.true_s() - step_s)
    assert clock.behind_s() < 0.001


SLOW_BACK, SLOW_THERE = (0.0, 0.4), (0.4, 0.0)
PAIRS = [(SLOW_BACK, QUICK), (QUICK, SLOW_BACK), (SLOW_THERE, QUICK), (SLOW_BACK, SLOW_THERE)]


@pytest.mark.parametrize(("holder", "other"), PAIRS)
def test_nobody_takes_a_lease_back_early_by_anybodys_clock(
    world: World, holder: Way, other: Way
) -> None:
    held, taken = world.queue(holder), world.queue(other)
    held.call(Enqueue(Job("j", "q", retry=RetryPolicy(base_s=0.0))))
    world.now_s += 1.0  # by now everybody's clock says that it is there
    began_s = world.now_s
    reply = held.call(Lease("w", ("q",), LENGTH_S))
    assert isinstance(reply, Leased) and reply.delivery
    assert reply.delivery.lease_s == pytest.approx(LENGTH_S), "what was asked for is told"
    world.now_s = began_s + LENGTH_S - 0.001
    assert taken.call(Lease("v", ("q",), LENGTH_S)) == Leased(None)
    assert held.call(Extend("j", 1, LENGTH_S)) == Settled(True)
    world.now_s += LENGTH_S - 0.001
    assert taken.call(Lease("v", ("q",), LENGTH_S)) == Leased(None)
    world.now_s += 1.0
    reply = taken.call(Lease("v", ("q",), LENGTH_S))
    assert isinstance(reply, Leased) and reply.delivery, "and not for ever"
    assert held.call(Ack("j", 1)) != Settled(True)


@pytest.mark.parametrize(("holder", "other"), PAIRS)
def test_nobody_ends_a_delay_or_a_backoff_early_by_anybodys_clock(
    world: World, holder: Way, other: Way
) -> None:
    first, second = world.queue(holder), world.queue(other)
    retry = RetryPolicy(base_s=LENGTH_S, cap_s=LENGTH_S, factor=1.0, jitter="none")
    began_s = world.now_s
    first.call(Enqueue(Job("j", "q", delay_s=LENGTH_S, retry=retry)))
    world.now_s = began_s + LENGTH_S - 0.001
    assert second.call(Lease("v", ("q",), LENGTH_S)) == Leased(None)
    world.now_s += 1.0
    assert first.call(Lease("w", ("q",), LENGTH_S)) != Leased(None)
    began_s = world.now_s
    assert first.call(Nack("j", 1, "no")) == Settled(True)
    world.now_s = began_s + LENGTH_S - 0.001
    assert second.call(Lease("v", ("q",), LENGTH_S)) == Leased(None)
    world.now_s += 1.0
    assert second.call(Lease("v", ("q",), LENGTH_S)) != Leased(None)
