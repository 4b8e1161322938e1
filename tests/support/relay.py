"""A TCP relay on loopback that loses one request or one answer when told to.

It stands where the harness's proxy would, but knows no protocol: it strikes the first
chunk of bytes that contains a marker.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Literal

Lost = Literal["request", "answer"]


class Relay:
    """Forwards to HOST:PORT. ``requests`` counts the chunks that came from clients."""

    def __init__(self, upstream: str) -> None:
        host, _, port = upstream.rpartition(":")
        self._upstream = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests = 0
        self.struck = threading.Event()
        self._marker = b""
        self._lose: Lost = "answer"
        self._meanwhile: Callable[[], object] = lambda: None
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def lose(
        self,
        what: Lost,
        marker: bytes,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> None:
        """Cut the connection at the next chunk with ``marker``, before or after its answer.

        ``meanwhile()`` runs before the client can notice.
        """
        self._lose, self._meanwhile, self._marker = what, meanwhile, marker
        self.struck.clear()

    def cut(self) -> None:
        """Close every connection."""
        for connection in self._sockets:
            _close(connection)

    def close(self) -> None:
        """Cut, and refuse new connections."""
        _close(self._listener)
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._upstream)
            except OSError:
                return
            self._sockets += [client, server]
            lost = threading.Event()
            for target in (self._up, self._down):
                threading.Thread(target=target, args=(client, server, lost), daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket, lost: threading.Event) -> None:
        while data := _receive(client):
            self.requests += 1
            if self._marker and self._marker in data:
                self._marker = b""
                if self._lose == "request":
                    self._meanwhile()
                    self.struck.set()
                    break
                lost.set()
            _send(server, data)
        _close(client)
        _close(server)

    def _down(self, client: socket.socket, server: socket.socket, lost: threading.Event) -> None:
        while data := _receive(server):
            if lost.is_set():
                self._meanwhile()
                self.struck.set()
                break
            _send(client, data)
        _close(client)
        _close(server)


@contextmanager
def relay(upstream: str) -> Iterator[Relay]:
    made = Relay(upstream)
    try:
        yield made
    finally:
        made.close()


def _receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except OSError:
        return b""


def _send(connection: socket.socket, data: bytes) -> None:
    with suppress(OSError):
        connection.sendall(data)


def _close(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
