"""A queue behind a server, whose acks name only a delivery tag: no job, and no request's number.

One line of JSON a message, answered in order. The server is the reference queue in memory with
another protocol around it; there is no queue of it in this process (no ``local``). It is found
by its entry point as the adapter of another package is, so that its workers are real processes.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from pathlib import Path
from random import Random
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any, ClassVar

import msgspec
from jobquake.adapters import Claims, Clock, Connection, Session, worker
from jobquake.backends.built_in.reference import BACKEND as REFERENCE
from jobquake.commands import (
    Ack,
    Command,
    Extend,
    Lease,
    Leased,
    Nack,
    Release,
    Reply,
    Settled,
)

LOOK_EVERY_S = 0.005


# -- the server ---------------------------------------------------------------------------


class Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.queue = REFERENCE.local(Clock(), Random(0))
        self.lock = threading.Lock()
        self.tags: list[tuple[str, int]] = []


class Handler(StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        for line in self.rfile:
            answer = self.answered(json.loads(line))
            self.wfile.write(json.dumps(answer).encode() + b"\n")

    def answered(self, message: dict[str, Any]) -> dict[str, Any]:
        if "tag" in message:
            job_id, token = self.server.tags[message.pop("tag")]
            message |= {"job_id": job_id, "token": token}
        command = msgspec.convert(message, Command, strict=False)
        until = time.monotonic() + getattr(command, "wait_s", 0.0)
        while True:
            with self.server.lock:
                reply = self.server.queue.call(command)
                told: dict[str, Any] = msgspec.to_builtins(reply)
                if isinstance(reply, Leased) and reply.delivery:
                    told["tag"] = len(self.server.tags)
                    self.server.tags.append((reply.delivery.job.id, reply.delivery.token))
            if reply != Leased(None) or time.monotonic() >= until:
                return told
            time.sleep(LOOK_EVERY_S)


# -- the adapter --------------------------------------------------------------------------


class TaggedConnection:
    """One attempt at a time; after a failure, a new connection."""

    def __init__(self, address: str, timeout_s: float) -> None:
        host, _, port = address.rpartition(":")
        self._where = host, int(port)
        self._timeout_s = timeout_s
        self._socket: socket.socket | None = None
        self._tags: dict[tuple[str, int], int] = {}

    def attempt(self, command: Command) -> Reply | None:
        message: dict[str, Any] = msgspec.to_builtins(command)
        if isinstance(command, Ack | Nack | Extend | Release):
            held = message.pop("job_id"), message.pop("token")
            if held not in self._tags:
                return Settled(False, "this connection was never handed that delivery")
            message["tag"] = self._tags[held]
        waits_s = command.wait_s if isinstance(command, Lease) else 0.0
        try:
            told = self._ask(json.dumps(message).encode() + b"\n", waits_s)
        except OSError:
            self.close()
            return None
        tag = told.pop("tag", None)
        reply: Reply = msgspec.convert(told, Reply, strict=False)
        if isinstance(reply, Leased) and reply.delivery:
            self._tags[reply.delivery.job.id, reply.delivery.token] = tag
        return reply

    def _ask(self, line: bytes, waits_s: float) -> dict[str, Any]:
        if self._socket is None:
            self._socket = socket.create_connection(self._where, self._timeout_s)
        self._socket.settimeout(self._timeout_s + waits_s)
        self._socket.sendall(line)
        answer = b""
        while not answer.endswith(b"\n"):
            more = self._socket.recv(65536)
            if not more:
                raise ConnectionResetError
            answer += more
        told: dict[str, Any] = json.loads(answer)
        return told

    def close(self) -> None:
        if self._socket:
            self._socket.close()
        self._socket = None


class TaggedSession:
    """Remembers which job was handed out under which tag, and which request comes next."""

    def __init__(self) -> None:
        self._jobs: dict[int, str] = {}
        self._asked: list[str] = []

    def request(self, message: bytes) -> tuple[int, str, str]:
        told = json.loads(message)
        self._asked.append(told["type"])
        named = told.get("job_id") or (told.get("job") or {}).get("id", "")
        return 0, told["type"], self._jobs.get(told.get("tag", -1), named)

    def reply(self, message: bytes) -> tuple[int, str, str]:
        told = json.loads(message)
        job_id = ""
        if "tag" in told:
            job_id = self._jobs[told["tag"]] = told["delivery"]["job"]["id"]
        return 0, self._asked.pop(0), job_id


class TaggedFraming:
    numbered = False

    def split(self, buffer: bytearray) -> list[bytes]:
        *lines, rest = bytes(buffer).split(b"\n")
        buffer[:] = rest
        return [line + b"\n" for line in lines]

    def describe(self, message: bytes) -> tuple[int, str, str]:
        """What can be told of a message by itself: an ack's job can not."""
        told = json.loads(message)
        return 0, str(told["type"]), str((told.get("job") or {}).get("id", ""))

    def session(self) -> Session:
        return TaggedSession()


class TaggedQueue:
    name = "tagged"
    summary = "a server whose acks name a delivery tag"
    claims = Claims(durable=False)
    violates: ClassVar[None] = None
    framing = TaggedFraming()
    worker = staticmethod(worker)

    def server(self, folder: Path, port: int) -> list[str] | None:
        return [sys.executable, __file__, str(port)]

    def connect(self, address: str, timeout_s: float) -> Connection:
        return TaggedConnection(address, timeout_s)


BACKEND = TaggedQueue()

if __name__ == "__main__":
    with Server(int(sys.argv[1])) as server:
        print(f"ready 127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever()
