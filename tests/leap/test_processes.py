"""Processes of a run: they fork, become others, have threads, are killed and stopped. Time never
goes back for any of them, and never leaps while one is busy or not on the clock.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest
from jobquake.errors import EnvironmentFault
from jobquake.leap.clock import LeapingClock
from jobquake.leap.page import PAGE_ENV, PLACE, PREFIX, Head
from support.broker_process import wait_until
from support.leaping import ended, needs_compiler, program, python, run, start

pytestmark = needs_compiler
SLOTS, SLOT_SIZE = 16384, 32


def test_time_never_goes_back_and_never_stands_still(clock: LeapingClock) -> None:
    assert run(clock, program("watcher", "-ldl"), 600, 5, 900) == "well\n"
    assert clock.stats.leaps > 1000


def test_the_watcher_sees_time_that_goes_back(clock: LeapingClock) -> None:
    watcher = start(clock, [program("watcher", "-ldl"), 600, 2, 1])
    while watcher.poll() is None:  # the harness does something, so nobody else changes it
        clock._head.offset_ns += 20_000_000
        time.sleep(0.01)
        clock._head.offset_ns -= 20_000_000
        time.sleep(0.01)
    said = watcher.communicate()[0]
    assert watcher.returncode == 1 and ("back for" in said or "stood still for" in said)


@pytest.mark.parametrize("threads", [200, pytest.param(2000, marks=pytest.mark.slow)])
def test_threads_wake_in_their_time_each(clock: LeapingClock, threads: int) -> None:
    began_s = clock.now_s()
    late_ms = float(run(clock, program("crowd"), threads))
    assert clock.now_s() - began_s > 200.0
    assert 0.0 <= late_ms < 1000.0


def test_no_signal_of_a_condition_is_lost(clock: LeapingClock) -> None:
    assert run(clock, program("conditions")).startswith("0 timeouts")


def test_no_leap_passes_over_an_alarm_that_was_set_a_moment_ago(clock: LeapingClock) -> None:
    other = start(clock, ["sleep", "1000000"])
    alarms = start(clock, [program("armed"), 6000])
    assert ended(clock, alarms, look_every_s=50.0) == "0 late\n"
    other.kill()
    other.communicate()


def test_children_of_a_fork_sleep_on_the_same_clock(clock: LeapingClock) -> None:
    text = """
import os, threading, time
threading.Thread(target=time.sleep, args=(5000,), daemon=True).start()
began = time.monotonic()
for depth in range(4):
    if os.fork(): os.wait(); os._exit(0)
    time.sleep(900)
print(round(time.monotonic() - began), flush=True)
"""
    assert python(clock, text) == "3600\n"


def test_a_shell_and_what_it_starts_are_on_the_clock(clock: LeapingClock) -> None:
    output = run(clock, "sh", "-c", "date +%s; sleep 1800; (sleep 1800 & wait); date +%s")
    before, after = map(int, output.split())
    assert 3600 <= after - before < 3610


def test_who_is_killed_in_a_wait_is_not_waited_for(clock: LeapingClock) -> None:
    victims = [start(clock, ["sleep", "50"]) for _ in range(20)]
    other = start(clock, ["sleep", "1000"])
    clock.wait(10.0)
    for victim in victims:
        victim.kill()
        victim.wait()
    began_s, leaps = clock.now_s(), clock.stats.leaps
    ended(clock, other, look_every_s=5000.0)
    assert clock.now_s() - began_s >= 5000.0
    # To the other's deadline and to the harness's own; to nobody's who is dead.
    assert clock.stats.leaps - leaps <= 4


def test_places_of_the_dead_are_given_away_again(clock: LeapingClock) -> None:
    for _ in range(10):
        crowd = start(clock, [program("crowd"), 50])
        clock.wait(20.0)
        crowd.kill()
        crowd.wait()
    while len(taken_slots(clock)) >= 50:  # the governor looks now and then who is dead
        run(clock, "true")
    assert not clock.stats.off_clock


def test_time_goes_on_without_who_is_stopped(clock: LeapingClock) -> None:
    stopped, other = start(clock, ["sleep", "100"]), start(clock, ["sleep", "1000"])
    clock.wait(10.0)
    stopped.send_signal(signal.SIGSTOP)
    os.waitpid(stopped.pid, os.WUNTRACED)
    ended(clock, other)
    assert stopped.poll() is None
    stopped.send_signal(signal.SIGCONT)
    began_s = clock.now_s()
    ended(clock, stopped, look_every_s=0.05)
    assert clock.now_s() - began_s < 60.0


def test_a_signal_of_the_program_ends_its_sleep(clock: LeapingClock) -> None:
    text = """
import signal, time, os, threading, select
class Rung(Exception): pass
def ring(*_): raise Rung
signal.signal(signal.SIGUSR1, ring)
main = os.getpid()
for wait in (lambda: time.sleep(3600), lambda: select.select([], [], [], 3600), signal.pause,
             lambda: select.epoll().poll(3600)):
    began = time.monotonic()
    threading.Timer(600, os.kill, (main, signal.SIGUSR1)).start()
    try: wait()
    except Rung: print(round(time.monotonic() - began))
"""
    assert python(clock, text).split() == ["600"] * 4


def test_time_runs_at_its_real_rate_while_somebody_computes(clock: LeapingClock) -> None:
    text = """
import time, threading
threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
began, cpu = time.monotonic(), time.process_time()
while time.process_time() - cpu < 0.3: pass
print(time.monotonic() - began)
"""
    assert 0.3 <= float(python(clock, text)) < 60.0


@pytest.mark.parametrize("flags", [("-static", "-DSTATIC"), ("-ldl",)], ids=["static", "escaped"])
def test_no_leap_while_somebody_is_off_the_clock(
    clock: LeapingClock, flags: tuple[str, ...]
) -> None:
    text = f"""
import subprocess, time
began = time.monotonic()
subprocess.run([{str(program("outside", *flags))!r}, "1.5"], check=True)
print(time.monotonic() - began)
time.sleep(3600)
print(time.monotonic() - began)
"""
    first_s, then_s = map(float, python(clock, text).split())
    assert 1.5 <= first_s < 60.0, "a second that leapt would have been a minute of the harness"
    assert then_s >= 3600.0
    assert "outside" in clock.stats.off_clock


def test_whoever_becomes_one_of_the_run_by_exec_is_known_at_once(clock: LeapingClock) -> None:
    """A shell of the harness has nothing to do with the run until it executes a program."""
    marks = " ".join(f"{name}={value}" for name, value in clock.environment.items())
    becomes = f"read go; exec env {marks} {program('outside', '-static', '-DSTATIC')}"
    page = clock.environment[PAGE_ENV].encode()
    for _ in range(20):
        shell = subprocess.Popen(["sh", "-c", becomes], stdin=subprocess.PIPE)
        assert shell.stdin
        clock.wait(0.001)  # it was seen, and is nobody's
        shell.stdin.write(b"\n")
        shell.stdin.flush()
        while page not in Path(f"/proc/{shell.pid}/environ").read_bytes():
            pass
        began = time.monotonic()
        clock.wait(0.02)
        assert time.monotonic() - began >= 0.0199, "time leapt beside a program off the clock"
        shell.communicate()


def test_no_leap_beside_a_static_program_even_if_it_waits_for_no_time(clock: LeapingClock) -> None:
    outside = subprocess.Popen(
        ["sh", "-c", f"{program('outside', '-static', '-DSTATIC')}; true"],
        env=os.environ | clock.environment,
        stdin=subprocess.PIPE,
    )
    clock.wait(0.2)
    began = time.monotonic()
    clock.wait(0.4)
    assert time.monotonic() - began >= 0.399
    outside.communicate()
    clock.wait(1000.0)


def test_the_harness_holds_time_while_it_does_something(clock: LeapingClock) -> None:
    other = start(clock, ["sleep", "3600"])
    clock.wait(1.0)
    began_s = clock.now_s()
    time.sleep(0.2)
    assert clock.now_s() - began_s < 60.0
    ended(clock, other)


def test_no_leap_while_another_thread_holds_time(clock: LeapingClock) -> None:
    held, released_s = threading.Event(), []

    def hold() -> None:
        with clock.hold():
            held.set()
            time.sleep(0.3)
            released_s.append(clock.now_s())

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    began_s = clock.now_s()
    clock.wait(1000.0)
    thread.join()
    assert released_s[0] - began_s < 60.0 < 1000.0 <= clock.now_s() - began_s


def test_a_node_reads_a_wall_clock_of_its_own(clock: LeapingClock) -> None:
    text = "import time; print(time.time(), time.monotonic())"

    def ahead_s(node: int | None) -> float:
        output = ended(clock, start(clock, [sys.executable, "-c", text], node))
        wall_s, monotonic_s = map(float, output.split())
        return wall_s - monotonic_s

    clock.skew(1, 120.0)
    clock.skew(2, -30.0)
    true_s = ahead_s(None)
    assert ahead_s(1) - true_s == pytest.approx(120.0, abs=1.0)
    assert ahead_s(2) - true_s == pytest.approx(-30.0, abs=1.0)
    clock.skew(1, 0.0)
    assert ahead_s(1) - true_s == pytest.approx(0.0, abs=1.0)


def test_a_wait_for_a_wall_time_ends_then_on_a_skewed_clock(clock: LeapingClock) -> None:
    clock.skew(3, 5000.0)
    process = start(clock, [program("waits"), "clock_nanosleep_until"], node=3)
    assert float(ended(clock, process).split()[0]) == pytest.approx(3600.0, abs=1.0)


def test_a_clock_whose_governor_was_killed_says_so(clock: LeapingClock) -> None:
    governor = clock._governor
    assert governor
    os.kill(governor.pid, signal.SIGKILL)
    governor._process.wait()
    with pytest.raises(EnvironmentFault, match="governor"):
        clock.check()
    clock._governor = None


def test_nothing_is_left_of_a_clock_whose_harness_was_killed(tmp_path: Path) -> None:
    text = """
import os, subprocess, sys, time
from jobquake.leap.clock import LeapingClock
clock = LeapingClock("killed-" + str(os.getpid()))
clock.__enter__()
sleeper = subprocess.Popen(["sh", "-c", "sleep 3600; :"], env=os.environ | clock.environment,
                           stdout=subprocess.DEVNULL)
print(clock._governor.pid, sleeper.pid, flush=True)
time.sleep(600)
"""
    harness = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True)
    assert harness.stdout
    governor, sleeper = map(int, harness.stdout.readline().split())
    wait_until(lambda: _children_of(sleeper))
    (child,) = _children_of(sleeper)
    page = PLACE / f"{PREFIX}killed-{harness.pid}"
    assert page.exists()
    harness.kill()
    harness.communicate()
    for pid in (governor, sleeper, child):
        wait_until(partial(_ended, pid))
    assert not page.exists()


def test_who_lives_by_a_clock_that_ends_as_it_should_lives_on() -> None:
    with LeapingClock() as clock, clock.hold():
        sleeper = start(clock, ["sleep", "7200"])
    assert sleeper.poll() is None
    sleeper.kill()
    sleeper.communicate()


def _children_of(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def taken_slots(clock: LeapingClock) -> set[int]:
    """The threads that have a slot in the page."""
    first = (ctypes.sizeof(Head) + 7) // 8 * 8
    words = memoryview(clock._page.path.read_bytes()[first : first + SLOTS * SLOT_SIZE]).cast("i")
    return set(words[:: SLOT_SIZE // 4]) - {0}


def _ended(pid: int) -> bool:
    return _state(pid) == "Z"


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"
