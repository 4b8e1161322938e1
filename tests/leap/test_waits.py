"""Every call of libc that waits for a time: it waits for an hour, on the run's clock, and says
afterwards what it says in real time. A test that hangs here waits for a real hour.
"""

from __future__ import annotations

import re

import pytest
from jobquake.leap.clock import LeapingClock
from support.leaping import HOUR_S, PROGRAMS, needs_compiler, program, python, run

pytestmark = needs_compiler
CALLS = re.findall(r"WAIT\((\w+)\)[,}]", (PROGRAMS / "waits.c").read_text())


def test_the_calls_are_found() -> None:
    assert len(CALLS) > 35
    assert {"epoll_pwait2", "timerfd_read", "accept_timeout"} <= set(CALLS)


@pytest.mark.parametrize("call", CALLS)
def test_an_hour_passes_in(clock: LeapingClock, call: str) -> None:
    began_s = clock.now_s()
    output = run(clock, program("waits"), call)
    monotonic_s, wall_s = map(float, output.split())
    # An alarm that was set before exec began before its program could look at the clock.
    earliest_s = HOUR_S - 1.0 if call == "alarm_exec" else HOUR_S
    assert earliest_s <= monotonic_s <= clock.now_s() - began_s
    assert wall_s == pytest.approx(monotonic_s, abs=1.0)


PYTHON = {
    "sleep": "time.sleep(3600)",
    "lock": "l = threading.Lock(); l.acquire(); l.acquire(timeout=3600)",
    "event": "threading.Event().wait(3600)",
    "condition": "c = threading.Condition(); c.acquire(); c.wait(3600)",
    "queue": "raises(lambda: __import__('queue').Queue().get(timeout=3600))",
    "timer": "t = threading.Timer(3600, int); t.start(); t.join()",
    "threads": "threads(*[lambda: time.sleep(3600)] * 20)",
    "select": "select.select([], [], [], 3600)",
    "socket": "a, b = socket.socketpair(); a.settimeout(3600); raises(lambda: a.recv(1))",
    "alarm": "signal.signal(signal.SIGALRM, int_); signal.alarm(3600); signal.pause()",
    "asyncio": "asyncio.run(asyncio.sleep(3600))",
    "asyncio timeout": "raises(lambda: asyncio.run(asyncio.wait_for(forever(), HOUR)))",
    "executor": "from concurrent.futures import *; wait([ThreadPoolExecutor().submit(threading.Event().wait, 7200)], 3600); os._exit(print(time.monotonic() - began, flush=True) or 0)",  # noqa: E501
    "processes": "import multiprocessing as m; p = m.Process(target=time.sleep, args=(3600,)); p.start(); p.join()",  # noqa: E501
}
PROLOGUE = """
HOUR = 3600
import asyncio, os, select, signal, socket, subprocess, threading, time
def int_(*_): pass
async def forever(): await asyncio.Event().wait()
def threads(*targets):
    all = [threading.Thread(target=t) for t in targets]
    [t.start() for t in all]; [t.join() for t in all]
def raises(call):
    try: call()
    except Exception: return
    raise SystemExit("nothing was raised")
began = time.monotonic()
{}
print(time.monotonic() - began)
"""


@pytest.mark.parametrize("way", PYTHON)
def test_an_hour_passes_in_python(clock: LeapingClock, way: str) -> None:
    text = PYTHON[way]
    (took_s,) = map(float, python(clock, PROLOGUE.format(text)).split())
    assert took_s == pytest.approx(HOUR_S, rel=0.001)


def test_who_is_due_while_another_computes_is_woken_though_time_does_not_leap(
    clock: LeapingClock,
) -> None:
    text = (
        "def computes():\n"
        "    time.sleep(3599.9)\n"
        "    while time.monotonic() < began + 3600.7: pass\n"
        "def sleeps():\n"
        "    time.sleep(3600)\n"
        "    print(time.monotonic() - began)\n"
        "threads(computes, sleeps)"
    )
    woke_s, ended_s = map(float, python(clock, PROLOGUE.format(text)).split())
    assert woke_s < 3600.4 < ended_s
    assert woke_s >= HOUR_S


def test_a_minute_passes_where_python_looks_every_fifty_milliseconds(clock: LeapingClock) -> None:
    text = "raises(lambda: subprocess.run(['sleep', '7200'], timeout=60))"
    (took_s,) = map(float, python(clock, PROLOGUE.format(text)).split())
    assert took_s == pytest.approx(60.0, abs=0.5)
