"""A connection to a broker's server whose conversations have a deadline; it knows no protocol."""

from __future__ import annotations

import socket
import time


class Line:
    """One connection to the server at HOST:PORT. Raises OSError wherever it does not answer.

    Each conversation has a deadline, which :meth:`within` sets. What has arrived and was not
    taken yet is in ``arrived``.
    """

    def __init__(self, address: str, timeout_s: float) -> None:
        host, _, port = address.rpartition(":")
        self._until = time.monotonic() + timeout_s
        self._socket = socket.create_connection((host, int(port)), timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.arrived = bytearray()

    def within(self, timeout_s: float) -> None:
        """Whatever is asked from now on must be answered in so many seconds altogether."""
        self._until = time.monotonic() + timeout_s

    def send(self, sent: bytes) -> None:
        self._socket.settimeout(self._left_s())
        self._socket.sendall(sent)

    def receive(self) -> None:
        """Wait until more has arrived."""
        self._socket.settimeout(self._left_s())
        arrived = self._socket.recv(1 << 16)
        if not arrived:
            raise ConnectionResetError
        self.arrived += arrived

    def close(self) -> None:
        self._socket.close()

    def _left_s(self) -> float:
        left_s = self._until - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        return left_s
