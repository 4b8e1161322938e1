"""A real broker process for tests, and a client that may say anything to it."""

from __future__ import annotations

import contextlib
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from jobquake.backends.reference.broker import wire
from jobquake.backends.reference.broker.client import Client
from jobquake.protocol.commands import Command, Inspect, Inspected, Reply, State

PATIENCE_S = 30.0
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def broker_command(db: Path, port: int = 0, *more: str) -> list[str]:
    command = [sys.executable, "-m", "jobquake", "broker", "--db", str(db)]
    return [*command, "--port", str(port), *more]


class Broker:
    """``python -m jobquake broker`` on ``db``; returns once it listens."""

    def __init__(self, db: Path, port: int = 0, *more: str) -> None:
        self.db = db
        self.errors = db.with_suffix(".err")
        with self.errors.open("ab") as errors:
            self.process = subprocess.Popen(
                broker_command(db, port, *more), stdout=subprocess.PIPE, stderr=errors
            )
        assert self.process.stdout is not None
        readable, _, _ = select.select([self.process.stdout], [], [], PATIENCE_S)
        line = self.process.stdout.readline().decode() if readable else ""
        assert line.startswith("ready "), self.errors.read_text()
        self.address = line.split()[1]
        self.port = int(self.address.rpartition(":")[2])
        told = self.process.stdout.readline().decode() if "--metrics-port" in more else ""
        self.metrics = told.removeprefix("metrics ").strip()

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def client(self, timeout_s: float = PATIENCE_S) -> Client:
        return Client(self.address, timeout_s, timeout_s)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGKILL) -> int:
        """Send the signal, wait for the end; the exit code."""
        if self.alive:
            self.process.send_signal(number)
        code = self.process.wait(PATIENCE_S)
        if self.process.stdout:
            self.process.stdout.close()
        return code


@contextlib.contextmanager
def running(db: Path, port: int = 0, *more: str) -> Iterator[Broker]:
    broker = Broker(db, port, *more)
    try:
        yield broker
    finally:
        broker.end()


class Raw:
    """A connection on which a test can send any bytes and see what comes back."""

    def __init__(self, broker: Broker) -> None:
        self.socket = socket.create_connection(("127.0.0.1", broker.port), PATIENCE_S)
        self._buffer = bytearray()
        self._replies: list[tuple[int, Reply]] = []

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def ask(self, request_id: int, command: Command) -> None:
        self.send(wire.encode(request_id, command))

    def reply(self) -> tuple[int, Reply]:
        """The next reply, by request id. Raises ConnectionError at the end of the stream."""
        while not self._replies:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("the broker closed the connection")
            self._buffer += data
            self._replies += [wire.decode_reply(body) for body in wire.split(self._buffer)]
        return self._replies.pop(0)

    def was_closed(self) -> bool:
        """Wait until the broker ends this connection; False if it said something instead."""
        try:
            self.reply()
        except ConnectionError:
            return True
        return False

    def close(self) -> None:
        self.socket.close()

    def reset(self) -> None:
        """Leave with a RST and not with an orderly end."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.socket.close()


@contextlib.contextmanager
def connected(broker: Broker) -> Iterator[Raw]:
    raw = Raw(broker)
    try:
        yield raw
    finally:
        raw.close()


def framed(body: bytes) -> bytes:
    return len(body).to_bytes(wire.HEADER, "big") + body


def wait_until(condition: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, "the condition never came true"
        time.sleep(0.01)


def state_of(client: Client, job: str) -> State | None:
    reply = client.call(Inspect(job))
    assert isinstance(reply, Inspected)
    return reply.state


def open_files(broker: Broker) -> int:
    return len(list(Path(f"/proc/{broker.process.pid}/fd").iterdir()))
