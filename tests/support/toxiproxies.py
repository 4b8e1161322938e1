"""Both Toxiproxies for tests, what asks their APIs, and the two ends of a proxied connection.

The real server is at `build/toxiproxy`, where `tools/toxiproxy` puts it. Where it is missing
its tests are skipped, but not in CI on a machine with Go, where it could have been there.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from jobquake.proxy.choice import opened

KINDS = ("embedded", "real")
BUILD = Path(__file__).resolve().parents[2] / "build"
PROGRAM = BUILD / "toxiproxy" / "toxiproxy-server"
DEADLINE_S = 60.0
HOST = "127.0.0.1"


def in_ci() -> bool:
    return os.environ.get("CI", "").lower() in ("true", "1")


def absent(what: str, maker: str) -> None:
    """Skip for want of ``what``, or fail in CI if its ``maker`` is there to make it."""
    told = f"expected {what}, found none; run tools/toxiproxy on a machine with {maker}"
    if in_ci() and shutil.which(maker):
        pytest.fail(told)
    pytest.skip(told)


def choice(kind: str) -> str:
    """What :func:`opened` is told to open a Toxiproxy of this kind."""
    if kind == "embedded":
        return kind
    if not PROGRAM.exists():
        absent(f"the real server at {PROGRAM.relative_to(BUILD.parent)}", "go")
    return str(PROGRAM)


class Answer(NamedTuple):
    status: int
    headers: Message
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Api:
    """The API of a server, asked byte for byte: no client library comes between."""

    kind: str
    url: str

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """``body`` is sent as it is if it is bytes or text, and as JSON if anything else."""
        if body is not None and not isinstance(body, bytes | str):
            body = json.dumps(body)
        data = body.encode() if isinstance(body, str) else body
        connection = http.client.HTTPConnection(
            self.url.removeprefix("http://"), timeout=DEADLINE_S
        )
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, data, named)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def post(self, path: str, body: object = None) -> Answer:
        return self.ask("POST", path, body)

    def patch(self, path: str, body: object) -> Answer:
        return self.ask("PATCH", path, body)

    def delete(self, path: str) -> Answer:
        return self.ask("DELETE", path)

    def proxy(self, name: str, upstream: str = f"{HOST}:1", **fields: object) -> dict[str, Any]:
        """A proxy on a free port, as the server shows it."""
        wanted = {"name": name, "listen": f"{HOST}:0", "upstream": upstream} | fields
        answer = self.post("/proxies", wanted)
        assert answer.status == 201, answer
        shown: dict[str, Any] = answer.json()
        return shown

    def clear(self) -> None:
        """Remove every proxy."""
        for name in self.get("/proxies").json():
            assert self.delete(f"/proxies/{quote(name)}").status == 204


@contextmanager
def running(kind: str, seed: int = 0) -> Iterator[Api]:
    with opened(choice(kind), seed) as url:
        yield Api(kind, url)


# -- the data plane -----------------------------------------------------------------------


class Pair(NamedTuple):
    """The two ends of one proxied connection."""

    client: socket.socket
    peer: socket.socket


@dataclass
class Line:
    """A proxy whose client and whose upstream are both played by the test."""

    api: Api
    name: str
    cleanup: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.upstream = listener()
        self.cleanup.enter_context(self.upstream)
        self.listen = self.api.proxy(self.name, address(self.upstream))["listen"]

    def client(self) -> socket.socket:
        return self.cleanup.enter_context(dial(self.listen))

    def accept(self) -> socket.socket:
        peer, _ = self.upstream.accept()
        peer.settimeout(DEADLINE_S)
        return self.cleanup.enter_context(peer)

    def connect(self) -> Pair:
        client = self.client()
        return Pair(client, self.accept())

    def add(
        self, type: str, toxicity: float = 1.0, stream: str = "downstream", **rest: object
    ) -> str:
        """Add a toxic; its name. ``name`` may be given, all else is an attribute."""
        wanted = {"type": type, "toxicity": toxicity, "stream": stream}
        if "name" in rest:
            wanted["name"] = rest.pop("name")
        answer = self.api.post(f"/proxies/{self.name}/toxics", wanted | {"attributes": rest})
        assert answer.status == 200, answer
        return str(answer.json()["name"])

    def change(self, toxic: str, toxicity: float | None = None, **attributes: int) -> None:
        wanted: dict[str, object] = {"attributes": attributes}
        if toxicity is not None:
            wanted["toxicity"] = toxicity
        assert self.api.patch(f"/proxies/{self.name}/toxics/{toxic}", wanted).status == 200

    def remove(self, toxic: str) -> None:
        assert self.api.delete(f"/proxies/{self.name}/toxics/{toxic}").status == 204

    def set(self, **fields: object) -> Answer:
        return self.api.patch(f"/proxies/{self.name}", fields)


def listener() -> socket.socket:
    server = socket.create_server((HOST, 0))
    server.settimeout(DEADLINE_S)
    return server


def address(server: socket.socket) -> str:
    return f"{HOST}:{server.getsockname()[1]}"


def dial(listen: str) -> socket.socket:
    host, _, port = listen.rpartition(":")
    connection = socket.create_connection((host, int(port)), DEADLINE_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def receive(connection: socket.socket, size: int) -> bytes:
    """``size`` bytes, or fewer if the connection ends; fails if they do not come in time."""
    parts, left = [], size
    while left and (part := connection.recv(min(left, 1 << 16))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def ending(connection: socket.socket) -> tuple[bytes, str]:
    """All that still comes, and how it ends: ``FIN`` or ``RST``. Fails if it does not."""
    parts = []
    try:
        while part := connection.recv(1 << 16):
            parts.append(part)
    except ConnectionResetError:
        return b"".join(parts), "RST"
    return b"".join(parts), "FIN"


def silent(connection: socket.socket, for_s: float = 0.15) -> bool:
    """Whether neither data nor an end comes for a while."""
    connection.settimeout(for_s)
    try:
        connection.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return True
    else:
        return False
    finally:
        connection.settimeout(DEADLINE_S)


def reset(connection: socket.socket) -> None:
    """Close with an RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def refused(listen: str) -> bool:
    try:
        dial(listen).close()
    except ConnectionRefusedError:
        return True
    return False


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait until ``condition()``; fails with ``what`` at the deadline."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, f"not within {DEADLINE_S:g} s: {what}"
        time.sleep(0.005)
