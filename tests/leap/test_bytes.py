"""No leap while bytes are under way: in a proxy that holds them, in the kernel, in pipes."""

from __future__ import annotations

import socket
import sys
import threading
from contextlib import suppress

import pytest
from jobquake.leap.clock import LeapingClock
from jobquake.proxy.client import Toxiproxy
from jobquake.proxy.embedded import Embedded
from support.leaping import PROGRAMS, ended, needs_compiler, program, python, run, start

pytestmark = needs_compiler


def test_a_write_that_the_kernel_holds_back_arrives_before_time_leaps(clock: LeapingClock) -> None:
    other = start(clock, ["sleep", "5000"])
    late_s = float(run(clock, program("nagle")))
    assert 0.01 < late_s < 1.0, "the kernel puts an acknowledgement off for 40 ms"
    ended(clock, other)


RELAY = """
import asyncio, sys, time
HOLD_S = 0.03
async def main():
    async def serve(reader, writer):
        while data := await reader.read(100):
            writer.write(data); await writer.drain()
        writer.close()
    async def relay(reader, writer):
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
        async def pipe(source, sink):
            while data := await source.read(100):
                await asyncio.sleep(HOLD_S)
                sink.write(data); await sink.drain()
            sink.close()
        await asyncio.gather(pipe(reader, up_writer), pipe(up_reader, writer))
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    proxy = await asyncio.start_server(relay, "127.0.0.1", 0)
    print(proxy.sockets[0].getsockname()[1], flush=True)
    await asyncio.sleep(100000)
asyncio.run(main())
"""
CLIENT = """
import socket, sys, time
line = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
for each in range(50):
    began = time.monotonic()
    line.sendall(b"x" * 10); assert len(line.recv(100)) == 10
    print(time.monotonic() - began)
    time.sleep(60)
"""


def test_a_proxy_that_holds_bytes_holds_them_for_as_long_as_it_says(clock: LeapingClock) -> None:
    relay = start(clock, [sys.executable, "-u", "-c", RELAY])
    assert relay.stdout
    clock.wait_readable(relay.stdout.fileno(), None)
    port = relay.stdout.readline().strip()
    took = sorted(map(float, python(clock, CLIENT, port).split()))
    relay.kill()
    relay.communicate()
    assert len(took) == 50
    assert took[0] >= 0.06, "both ways"
    assert took[0] < 1.0
    assert took[-1] < 30.0, "no answer came after a leap to somebody's next minute"


WHOLE = CLIENT.replace("len(line.recv(100)) == 10", "len(line.recv(10, socket.MSG_WAITALL)) == 10")
ECHO = """
import socket
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
line, _ = listener.accept()
while data := line.recv(100): line.sendall(data)
"""


def test_a_latency_of_the_harness_own_proxy_is_virtual_too(clock: LeapingClock) -> None:
    server = start(clock, [sys.executable, "-c", ECHO])
    assert server.stdout
    clock.wait_readable(server.stdout.fileno(), None)
    with Embedded(clock=clock) as proxy:
        toxiproxy = Toxiproxy(proxy.address)
        line = toxiproxy.create("line", f"127.0.0.1:{server.stdout.readline().strip()}")
        line.add_toxic("latency", latency=20_000)
        took = list(map(float, python(clock, CLIENT, line.listen.rpartition(":")[2]).split()))
    assert len(took) == 50
    assert all(20.0 <= each_s < 30.0 for each_s in took)
    server.kill()
    server.communicate()


COMES_AND_GOES = """
import socket, sys, time
for each in range(100):
    socket.create_connection(("127.0.0.1", int(sys.argv[1]))).close()
    time.sleep(10)
"""


def test_a_connection_that_is_closed_is_looked_at_no_more(clock: LeapingClock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept_and_close, args=(listener,), daemon=True).start()
        python(clock, COMES_AND_GOES, listener.getsockname()[1])
    assert clock._page.head.connections_top < 50, "its place is given away again"


def _accept_and_close(listener: socket.socket) -> None:
    with suppress(OSError):
        while True:
            listener.accept()[0].close()


HOLDING_BACK = """
import socket
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
line, _ = listener.accept()
while data := line.recv(100):
    line.sendall(data[:5])
    line.sendall(data[5:])  # held back by the kernel until the first five are acknowledged
"""


def test_what_the_kernel_holds_back_on_the_way_to_the_harness_own_proxy_is_under_way_too(
    clock: LeapingClock,
) -> None:
    other = start(clock, ["sleep", "1000000"])
    server = start(clock, [sys.executable, "-c", HOLDING_BACK])
    assert server.stdout
    clock.wait_readable(server.stdout.fileno(), None)
    with Embedded(clock=clock) as proxy:
        upstream = f"127.0.0.1:{server.stdout.readline().strip()}"
        line = Toxiproxy(proxy.address).create("line", upstream)
        took = list(map(float, python(clock, WHOLE, line.listen.rpartition(":")[2]).split()))
    assert len(took) == 50
    assert max(took) < 5.0
    for process in (server, other):
        process.kill()
        process.communicate()


PIPES = """
import os, threading, time
a, b = os.pipe()
def echo():
    while data := os.read(a, 1): os.write(d, data)
c, d = os.pipe()
threading.Thread(target=echo, daemon=True).start()
worst = 0
for each in range(300):
    began = time.monotonic()
    os.write(b, b"x"); os.read(c, 1)
    worst = max(worst, time.monotonic() - began)
    time.sleep(10)
print(worst)
"""


def test_nothing_leaps_over_what_a_thread_hands_to_another(clock: LeapingClock) -> None:
    assert float(python(clock, PIPES)) < 5.0


WAYS = (
    *("stream", "datagrams", "pipes", "epoll", "eventfds", "semaphores", "signals", "udp"),
    *("tcp", "tcp_held_back", "tcp_big", "new_connections"),
)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_nothing_leaps_over_what_a_process_hands_to_another(clock: LeapingClock, way: str) -> None:
    other = start(clock, ["sleep", "1000000"])
    turns = start(clock, [sys.executable, PROGRAMS / "hand_over.py", way])
    assert ended(clock, turns, look_every_s=20.0) == "0 late\n"
    other.kill()
    other.communicate()
