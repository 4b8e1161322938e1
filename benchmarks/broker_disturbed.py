"""What a good client of the broker notices of a greedy one.

    python benchmarks/broker_disturbed.py

A good client enqueues, leases and acks one job at a time; its p50 alone is the yardstick. Then a
greedy client does what it likes on connections of its own, and the ratio is the figure: thousands
of leases that wait, commands by the ten thousand without a pause, leases that name hundreds of
thousands of queues, and connections that all wait. At last 100,000 enqueues that are refused, each
with a queue name of its own, and the memory that the broker keeps of them.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from jobquake.backends.reference.broker import wire
from jobquake.backends.reference.broker.client import Client
from jobquake.protocol.commands import Ack, Command, Enqueue, Inspect, Job, Lease, Leased, Measure

WAIT_S = 60.0


class Server:
    """A broker process on a file of its own."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "jobquake", "broker", "--port", "0", "--db"]
        self.process = subprocess.Popen([*command, str(folder / "q.db")], stdout=subprocess.PIPE)
        assert self.process.stdout
        self.address = self.process.stdout.readline().decode().split()[1]

    def rss_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def stop(self) -> float:
        """Send SIGTERM; how long it took to end."""
        begun = time.perf_counter()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(WAIT_S)
        return time.perf_counter() - begun


class Greedy:
    """A connection that sends what it is given, and throws away what comes back."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._socket = socket.create_connection((host, int(port)))
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while self._socket.recv(1 << 20):
                pass

    def send(self, commands: Iterator[Command]) -> None:
        batch = bytearray()
        with contextlib.suppress(OSError):
            for number, command in enumerate(commands, 1):
                batch += wire.encode(number, command)
                if len(batch) > 1 << 18:
                    self._socket.sendall(batch)
                    batch.clear()
            self._socket.sendall(batch)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def lives(address: str, count: int, name: str) -> list[float]:
    """How long each of so many jobs took the good client, from enqueue to ack."""
    client, took = Client(address, WAIT_S, WAIT_S), []
    for number in range(count):
        begun = time.perf_counter()
        job = Job(f"{name}-{number}", "good")
        client.call(Enqueue(job))
        leased = client.call(Lease("good", ("good",), 600.0))
        assert isinstance(leased, Leased) and leased.delivery
        client.call(Ack(job.id, leased.delivery.token))
        took.append(time.perf_counter() - begun)
    client.close()
    return took


def waiting(address: str, number: int) -> list[Greedy]:
    greedy = Greedy(address)
    greedy.send(Lease("greedy", ("never",), 60.0, WAIT_S) for _ in range(number))
    return [greedy]


def many_queues(address: str) -> list[Greedy]:
    greedy = Greedy(address)
    names = tuple(f"queue-{place}" for place in range(300_000))
    thread = threading.Thread(
        target=greedy.send, args=(iter([Lease("greedy", names, 60.0, WAIT_S)] * 3),), daemon=True
    )
    thread.start()
    return [greedy]


def without_pause(address: str, number: int) -> list[Greedy]:
    greedy = Greedy(address)
    commands = (Measure() if place % 2 else Inspect("nobody") for place in range(number))
    threading.Thread(target=greedy.send, args=(commands,), daemon=True).start()
    return [greedy]


def crowd(address: str, number: int) -> list[Greedy]:
    crowd = [Greedy(address) for _ in range(number)]
    for place, one in enumerate(crowd):
        one.send(Lease("one", (f"own-{place}", "never"), 60.0, WAIT_S) for _ in range(5))
    return crowd


GREEDY: dict[str, Callable[[str], list[Greedy]]] = {
    "26,000 leases that wait": lambda address: waiting(address, 26_000),
    "leases of 300,000 queues": many_queues,
    "200,000 commands at once": lambda address: without_pause(address, 200_000),
    "200 clients that wait": lambda address: crowd(address, 200),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=60)
    parser.add_argument("--refused", type=int, default=100_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="jobquake-bench-") as name:
        for what, be_greedy in GREEDY.items():
            folder = Path(name) / what.replace(" ", "-")
            folder.mkdir()
            server = Server(folder)
            alone = median(lives(server.address, chosen.jobs, "alone"))
            begun = time.perf_counter()
            greedy = be_greedy(server.address)
            took = lives(server.address, chosen.jobs, "beside")
            over_s = time.perf_counter() - begun
            for one in greedy:
                one.close()
            print(
                f"{what:<28} alone {1e3 * alone:7.1f} ms   beside {1e3 * median(took):8.1f} ms "
                f"({median(took) / alone:6.2f}x), worst {1e3 * max(took):8.1f} ms, "
                f"{over_s:6.1f} s in all; SIGTERM obeyed in {server.stop():.2f} s",
                flush=True,
            )
        folder = Path(name) / "refused"
        folder.mkdir()
        server = Server(folder)
        lives(server.address, 5, "first")
        before = server.rss_mb()
        greedy = [Greedy(server.address)]
        greedy[0].send(Enqueue(Job("", f"made-up-{n}")) for n in range(chosen.refused))
        lives(server.address, 5, "then")
        print(
            f"{chosen.refused:,} refused enqueues with names of their own: "
            f"{before:.0f} MB before, {server.rss_mb():.0f} MB after"
        )
        server.stop()


if __name__ == "__main__":
    main()
