"""Virtual time: who sleeps goes on when its time has come, and ties keep their order."""

from __future__ import annotations

import pytest
from jobquake.harness.drivers.clock import UNTIL_WOKEN, Clock, Process, Steps


class Killed(Exception):
    pass


def sleeper(clock: Clock, told: list[object], name: str, *seconds: float) -> Steps:
    for each in seconds:
        try:
            answer = yield each
        except Killed:
            answer = "killed"
        told.append((clock.now, name, answer))


def run_for(clock: Clock, seconds: float) -> None:
    def stop(_: object) -> float:
        clock.stop()
        return UNTIL_WOKEN

    clock.after(seconds, stop)
    clock.run_until_stopped()


def test_who_sleeps_until_the_same_moment_goes_on_in_the_order_of_lying_down() -> None:
    clock, told = Clock(), []  # type: Clock, list[object]
    Process(clock, sleeper(clock, told, "a", 2.0, 1.0))
    Process(clock, sleeper(clock, told, "b", 1.0, 2.0))
    run_for(clock, 5.0)
    assert told == [(1.0, "b", None), (2.0, "a", None), (3.0, "b", None), (3.0, "a", None)]


def test_who_is_woken_is_told_the_answer_at_that_moment() -> None:
    clock, told = Clock(), []  # type: Clock, list[object]
    process = Process(clock, sleeper(clock, told, "a", UNTIL_WOKEN, 1.0))

    def wake(answer: object) -> float:
        process.wake(answer)
        return UNTIL_WOKEN

    clock.after(2.0, wake, "a job")
    run_for(clock, 5.0)
    assert told == [(2.0, "a", "a job"), (3.0, "a", None)]


@pytest.mark.parametrize("way", ["hurry", "interrupt"])
def test_a_sleep_that_was_ended_early_does_not_end_again_when_its_time_comes(way: str) -> None:
    clock, told = Clock(), []  # type: Clock, list[object]
    process = Process(clock, sleeper(clock, told, "a", 3.0, 4.0))

    def end_early(_: object) -> float:
        if way == "hurry":
            process.hurry()
        else:
            process.interrupt(Killed())
        return UNTIL_WOKEN

    clock.after(1.0, end_early)
    run_for(clock, 9.0)
    first = None if way == "hurry" else "killed"
    assert told == [(1.0, "a", first), (5.0, "a", None)]


def test_what_is_due_at_the_moment_of_the_stop_still_happens() -> None:
    clock, told = Clock(), []  # type: Clock, list[object]
    run = Process(clock, sleeper(clock, told, "a", 1.0, 1.0))

    def stop(_: object) -> float:
        clock.stop()
        return UNTIL_WOKEN

    def tell(_: object) -> float:
        told.append("last")
        return UNTIL_WOKEN

    clock.after(1.0, stop)
    clock.after(1.0, tell)
    clock.run_until_stopped()
    run.end()
    assert told == ["last", (1.0, "a", None)]
