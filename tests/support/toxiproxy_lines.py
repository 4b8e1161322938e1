"""A server that answers every line in upper case, and its client, for tests of the proxy."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, Self

from jobquake.proxy import Embedded

PATIENCE_S = 20.0


def eventually(holds: Callable[[], object], what: str) -> None:
    """Wait until that is so."""
    until_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until_s, f"never: {what}"
        time.sleep(0.005)


def call(toxiproxy: Embedded, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """One request to the API: its status, and its answer read as JSON, if it has one."""
    host, _, port = toxiproxy.address.removeprefix("http://").rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE_S)
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    return answer.status, json.loads(text) if text.startswith((b"{", b"[")) else None


class LineServer:
    """``seen``: the lines that have come, over all connections, in order."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self.address = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(self, *exc: object) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def behind(self, toxiproxy: Embedded, name: str = "p") -> str:
        """Make a proxy to this server; where it listens."""
        wanted = {"name": name, "listen": "127.0.0.1:0", "upstream": self.address}
        status, made = call(toxiproxy, "POST", "/proxies", wanted)
        assert status == 201
        return str(made["listen"])

    def _do(self, coroutine: Coroutine[object, object, object]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE_S)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _close(self) -> None:
        assert self._server
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                self.seen.append(line.decode().strip())
                writer.write(line.upper())
        except OSError:
            pass
        finally:
            writer.close()


class Lines:
    """A client of such a server, through whatever listens at ``address``."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), PATIENCE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.socket.close()

    def send(self, line: str) -> None:
        self.socket.sendall(line.encode() + b"\n")

    def read(self) -> str:
        """The next answer; "FIN" or "RST" if the connection ends instead."""
        text = b""
        try:
            while not text.endswith(b"\n"):
                byte = self.socket.recv(1)
                if not byte:
                    return "FIN"
                text += byte
        except ConnectionResetError:
            return "RST"
        return text.decode().strip()

    def ask(self, line: str) -> str:
        self.send(line)
        return self.read()

    def answered(self) -> bool:
        """Whether something has come that was not read yet, right now."""
        self.socket.setblocking(False)
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return False
        finally:
            self.socket.settimeout(PATIENCE_S)

    def read_to_the_end(self) -> str:
        """Skip whatever comes; how the connection ends, "FIN" or "RST"."""
        while (line := self.read()) not in ("FIN", "RST"):
            assert line
        return line
