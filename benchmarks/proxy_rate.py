"""What the embedded Toxiproxy costs: latency and throughput beside none and the real one.

In each round every figure is measured three times in turn: directly, through the embedded
server, and through the real one (`tools/toxiproxy` installs it; without it two remain). The
embedded server, the senders and the receivers are processes of their own, as the real one
is. A figure is the median of the rounds; p50 is that of the PINGs of one round, told by
redis-benchmark. Without Redis an echo server and a client in Python stand in for it.

    python benchmarks/proxy_rate.py [--rounds N] [--megabytes N] [--profile FILE]
"""

from __future__ import annotations

import argparse
import cProfile
import multiprocessing
import selectors
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

from jobquake.proxy.choice import opened
from jobquake.proxy.client import Toxiproxy
from jobquake.proxy.embedded import Embedded
from jobquake.servers.running import started

HOST = "127.0.0.1"
REAL = Path(__file__).resolve().parent.parent / "build" / "toxiproxy" / "toxiproxy-server"
BLOCK = 1 << 18
PING, PONG = b"PING\r\n", b"+PONG\r\n"
PINGS = {1: 5_000, 50: 20_000}
fork = multiprocessing.get_context("fork")


# -- servers ------------------------------------------------------------------------------


@contextmanager
def child(work: Callable[[Connection], None]) -> Iterator[Connection]:
    """A process that runs ``work`` with one end of a pipe; we have the other."""
    ours, theirs = fork.Pipe()
    process = fork.Process(target=work, args=(theirs,))
    process.start()
    try:
        yield ours
    finally:
        ours.send(None)
        process.join()


def serve_embedded(pipe: Connection, profile: str | None) -> None:
    embedded = Embedded()
    profiler = cProfile.Profile()
    url = embedded.start()
    if profile:
        embedded.call(profiler.enable)
    pipe.send(url)
    pipe.recv()
    if profile:
        embedded.call(profiler.disable)
        profiler.dump_stats(profile)
    embedded.stop()


def serve_echo(pipe: Connection) -> None:
    """Answer whatever comes with a PONG, until told to end."""
    server = socket.create_server((HOST, 0))
    pipe.send(f"{HOST}:{server.getsockname()[1]}")
    with selectors.DefaultSelector() as selector:
        selector.register(server, selectors.EVENT_READ)
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is pipe:
                    return
                assert isinstance(key.fileobj, socket.socket)
                if key.fileobj is server:
                    client, _ = server.accept()
                    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    selector.register(client, selectors.EVENT_READ)
                elif key.fileobj.recv(4096):
                    key.fileobj.sendall(PONG)
                else:
                    selector.unregister(key.fileobj)
                    key.fileobj.close()


@contextmanager
def pong_server() -> Iterator[str]:
    """The address of a Redis, or of an echo server where there is none."""
    if shutil.which("redis-server") and shutil.which("redis-benchmark"):
        with tempfile.TemporaryDirectory() as folder, started("redis", Path(folder)) as address:
            yield address
    else:
        print("No redis-server and redis-benchmark here: an echo server and a Python client.")
        with child(serve_echo) as pipe:
            yield pipe.recv()


# -- figures ------------------------------------------------------------------------------


def p50_us(address: str, connections: int) -> float:
    """Microseconds from PING to PONG, the median over all connections."""
    count = PINGS[connections]
    if not shutil.which("redis-benchmark"):
        return _p50_of_python(address, connections, count)
    host, _, port = address.rpartition(":")
    command = ["redis-benchmark", "-h", host, "-p", port, "-c", str(connections), "-n", str(count)]
    told = subprocess.run(
        [*command, "-t", "ping_mbulk", "--csv"], capture_output=True, text=True, check=True
    )
    head, row = (line.replace('"', "").split(",") for line in told.stdout.strip().splitlines()[-2:])
    return float(row[head.index("p50_latency_ms")]) * 1000


def _p50_of_python(address: str, connections: int, count: int) -> float:
    took: list[float] = []
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        since = {}
        for _ in range(connections):
            client = stack.enter_context(_dial(address))
            selector.register(client, selectors.EVENT_READ)
            since[client] = time.perf_counter()
            client.sendall(PING)
        while len(took) < count:
            for key, _ in selector.select():
                assert isinstance(key.fileobj, socket.socket)
                client = key.fileobj
                client.recv(64)
                now = time.perf_counter()
                took.append(now - since[client])
                since[client] = now
                client.sendall(PING)
    return median(took) * 1e6


def _dial(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    connection = socket.create_connection((host, int(port)))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _send(connection: socket.socket, size: int) -> None:
    block = bytes(BLOCK)
    with connection:
        for _ in range(size // BLOCK):
            connection.sendall(block)


def _receive(connection: socket.socket) -> float:
    """Bytes per second from the first byte to the end."""
    buffer, got = bytearray(BLOCK), 0
    with connection:
        connection.recv(1)
        start = time.perf_counter()
        while size := connection.recv_into(buffer):
            got += size
    return got / (time.perf_counter() - start)


def serve_stream(pipe: Connection) -> None:
    """Take what each connection sends, or send it: ``pipe`` tells which and how much."""
    server = socket.create_server((HOST, 0))
    pipe.send(f"{HOST}:{server.getsockname()[1]}")
    while told := pipe.recv():
        connection, _ = server.accept()
        if told[0] == "take":
            pipe.send(_receive(connection))
        else:
            _send(connection, told[1])
            pipe.send(None)


def megabytes_per_s(pipe: Connection, address: str, direction: str, size: int) -> float:
    if direction == "up":
        pipe.send(("take", size))
        _send(_dial(address), size)
        return float(pipe.recv()) / 1e6
    pipe.send(("give", size))
    rate = _receive(_dial(address)) / 1e6
    pipe.recv()
    return rate


# -- the table ----------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--profile", help="write the embedded server's cProfile to this file")
    told = parser.parse_args()
    size = told.megabytes << 20
    with ExitStack() as stack:
        embedded = stack.enter_context(child(lambda pipe: serve_embedded(pipe, told.profile)))
        stream = stack.enter_context(child(serve_stream))
        servers = {"embedded": embedded.recv()}
        if REAL.exists():
            servers["real"] = stack.enter_context(opened(str(REAL), 0))
        else:
            print("No real Toxiproxy here: run tools/toxiproxy on a machine with Go.")
        upstreams = {"pong": stack.enter_context(pong_server()), "stream": stream.recv()}
        ways = {"direct": upstreams}
        for name, url in servers.items():
            server = Toxiproxy(url)
            ways[name] = {
                kind: server.create(kind, address).listen for kind, address in upstreams.items()
            }
        figures: dict[str, Callable[[dict[str, str]], float]] = {
            "PING p50, 1 connection, us": lambda way: p50_us(way["pong"], 1),
            "PING p50, 50 connections, us": lambda way: p50_us(way["pong"], 50),
            "client to server, MB/s": lambda way: megabytes_per_s(
                stream, way["stream"], "up", size
            ),
            "server to client, MB/s": lambda way: megabytes_per_s(
                stream, way["stream"], "down", size
            ),
        }
        show(measured(figures, ways, told.rounds))


def measured(
    figures: dict[str, Callable[[dict[str, str]], float]],
    ways: dict[str, dict[str, str]],
    rounds: int,
) -> dict[str, dict[str, float]]:
    """The median of each figure by way; rounds take turns, so that a noisy minute hits all."""
    got: dict[str, dict[str, list[float]]] = {
        figure: {way: [] for way in ways} for figure in figures
    }
    names = list(ways)
    for number in range(rounds):
        for figure, measure in figures.items():
            for way in names[number % len(names) :] + names[: number % len(names)]:
                got[figure][way].append(measure(ways[way]))
    return {figure: {way: median(v) for way, v in by.items()} for figure, by in got.items()}


def show(table: dict[str, dict[str, float]]) -> None:
    print(f"{'':30}{'direct':>10}{'embedded':>18}{'real':>18}{'embedded/real':>15}")
    for figure, by in table.items():
        cells = [f"{by['direct']:10.0f}"]
        for way in ("embedded", "real"):
            told = f"{by[way]:.0f} ({by[way] / by['direct']:.2f}x)" if way in by else "-"
            cells.append(f"{told:>18}")
        if "real" in by:
            cells.append(f"{by['embedded'] / by['real']:14.2f}x")
        print(f"{figure:30}{''.join(cells)}")


if __name__ == "__main__":
    main()
