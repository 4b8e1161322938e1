"""Programs that sleep for an hour, one way each: ``python -m jobquake.leap.sleepers WAY [PORT]``.

The self-test runs them on a clock. Each prints how many seconds went by, on its own clock. The
calls of C are made through ctypes, so that nothing has to be compiled.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable

HOUR_S = 3600
MS = 1000
HOST = "127.0.0.1"
CLOCK_MONOTONIC = 1
CONDITION_SIZE, MUTEX_SIZE = 48, 40


class Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)  # with what is preloaded before it


def nanosleep() -> None:
    _libc().nanosleep(ctypes.byref(Timespec(HOUR_S, 0)), None)


def poll() -> None:
    _libc().poll(None, 0, HOUR_S * MS)


def semaphore() -> None:
    memory = ctypes.create_string_buffer(64)
    at = Timespec(int(time.time()) + HOUR_S + 1, 0)
    _libc().sem_init(memory, 0, 0)
    _libc().sem_timedwait(memory, ctypes.byref(at))


def condition() -> None:
    mutex, variable = (ctypes.create_string_buffer(size) for size in (MUTEX_SIZE, CONDITION_SIZE))
    at = Timespec(int(time.monotonic()) + HOUR_S + 1, 0)
    libc = _libc()
    libc.pthread_mutex_lock(mutex)
    while not libc.pthread_cond_clockwait(variable, mutex, CLOCK_MONOTONIC, ctypes.byref(at)):
        pass


def timer() -> None:
    """A timerfd, armed for an hour, and read."""
    libc = _libc()
    descriptor = libc.timerfd_create(CLOCK_MONOTONIC, 0)
    value = (Timespec * 2)(Timespec(0, 0), Timespec(HOUR_S, 0))
    libc.timerfd_settime(descriptor, 0, ctypes.byref(value), None)
    os.read(descriptor, 8)


def alarm() -> None:
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, HOUR_S)
    signal.pause()


def epoll() -> None:
    select.epoll().poll(HOUR_S)


def threads() -> None:
    """Twenty threads that sleep, wait for an event, and for a queue of their own."""
    waits: list[Callable[[], object]] = [
        lambda: time.sleep(HOUR_S),
        lambda: threading.Event().wait(HOUR_S),
    ]
    started = [threading.Thread(target=waits[each % len(waits)]) for each in range(20)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()


def asyncio_sleep() -> None:
    asyncio.run(asyncio.sleep(HOUR_S))


def polls() -> None:
    """A client that looks every second."""
    for _ in range(HOUR_S):
        time.sleep(1.0)


def redis_blpop(port: int) -> None:
    with _redis(port) as server:
        _ask(server, "BLPOP", "nothing", str(HOUR_S))


def redis_expiry(port: int) -> None:
    """A key that lives for an hour; its listeners are told when it goes."""
    with _redis(port) as server, _redis(port) as listener:
        _ask(server, "CONFIG", "SET", "notify-keyspace-events", "Ex")
        _ask(listener, "SUBSCRIBE", "__keyevent@0__:expired")
        _ask(server, "SET", "hour", "1", "EX", str(HOUR_S))
        listener.recv(4096)


def _redis(port: int) -> socket.socket:
    server = socket.create_connection((HOST, port))
    # It looks after its keys ten times a second by default: a leap each, 36,000 in an hour.
    _ask(server, "CONFIG", "SET", "hz", "1")
    return server


def _ask(server: socket.socket, *words: str) -> bytes:
    parts = [f"${len(word)}\r\n{word}\r\n" for word in words]
    server.sendall(f"*{len(words)}\r\n{''.join(parts)}".encode())
    return server.recv(4096)


def pg_sleep(port: int) -> None:
    _postgres(port, f"SELECT pg_sleep({HOUR_S})")


def statement_timeout(port: int) -> None:
    _postgres(port, f"SET statement_timeout = '{HOUR_S}s'", f"SELECT pg_sleep({3 * HOUR_S})")


def _postgres(port: int, *statements: str) -> None:
    """Ask in the simple protocol, one after the other, until each is ready or has failed."""
    with socket.create_connection((HOST, port)) as server:
        words = b"".join(
            f"{w}\0".encode() for w in ("user", "jobquake", "database", "postgres", "")
        )
        server.sendall((len(words) + 8).to_bytes(4, "big") + (3 << 16).to_bytes(4, "big") + words)
        _until_ready(server)
        for statement in statements:
            text = statement.encode() + b"\0"
            server.sendall(b"Q" + (len(text) + 4).to_bytes(4, "big") + text)
            _until_ready(server)


def _until_ready(server: socket.socket) -> None:
    """Read until the message that says that the server is ready for the next statement."""
    unread = b""
    while True:
        while len(unread) < 5 or len(unread) <= int.from_bytes(unread[1:5], "big"):
            heard = server.recv(65536)
            if not heard:
                raise SystemExit(f"the server hung up: {unread!r}")
            unread += heard
        size = int.from_bytes(unread[1:5], "big") + 1
        message, unread = unread[:size], unread[size:]
        if message.startswith(b"Z"):
            return


ALONE: dict[str, Callable[[], None]] = {
    "nanosleep in C": nanosleep,
    "poll in C": poll,
    "a semaphore in C": semaphore,
    "a condition in C": condition,
    "a timerfd": timer,
    "an alarm": alarm,
    "epoll": epoll,
    "threads in Python": threads,
    "asyncio": asyncio_sleep,
    "a poll each second": polls,
}
REDIS: dict[str, Callable[[int], None]] = {
    "BLPOP in Redis": redis_blpop,
    "expiry in Redis": redis_expiry,
}
POSTGRES: dict[str, Callable[[int], None]] = {
    "pg_sleep in PostgreSQL": pg_sleep,
    "statement_timeout": statement_timeout,
}


def main(arguments: list[str]) -> None:
    way, *rest = arguments
    began = time.monotonic()
    if way in ALONE:
        ALONE[way]()
    else:
        (REDIS | POSTGRES)[way](int(rest[0]))
    print(time.monotonic() - began)


if __name__ == "__main__":
    main(sys.argv[1:])
