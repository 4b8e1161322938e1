"""The client: one connection to the master, opened anew when it breaks."""

from __future__ import annotations

import json
import socket
from io import BufferedRWPair
from typing import Any


class Client:
    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._place = (host, int(port))
        self._socket: socket.socket | None = None
        self._stream: BufferedRWPair | None = None

    def ask(self, what: str, **fields: object) -> dict[str, Any]:
        """Ask the master, and its answer. Raises OSError if there is none."""
        try:
            if self._stream is None:
                self._socket = socket.create_connection(self._place, timeout=5.0)
                self._stream = self._socket.makefile("rwb")
            self._stream.write(json.dumps({"what": what, **fields}).encode() + b"\n")
            self._stream.flush()
            answer = self._stream.readline()
            if not answer:
                raise ConnectionError("the master hung up")
        except OSError:
            self.close()
            raise
        reply: dict[str, Any] = json.loads(answer)
        return reply

    def close(self) -> None:
        if self._stream and self._socket:
            self._socket.close()
        self._stream = self._socket = None
