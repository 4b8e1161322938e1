"""A real Toxiproxy server: on PATH, or built by ``tools/toxiproxy`` in this checkout.

It keeps nothing, so a careless one is the same.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from .program import Program
from .running import HOST, Server, answers, find_program, serve
from .source import MissingServer

NAME = "toxiproxy-server"
BUILT = Path(__file__).parents[2] / "build" / "toxiproxy" / NAME


def program() -> Path:
    """Where toxiproxy-server is. Raises :class:`.source.MissingServer`."""
    if os.access(BUILT, os.X_OK):
        return BUILT
    try:
        return find_program(NAME, NAME)
    except MissingServer:
        raise MissingServer(
            f"expected {NAME} on PATH or at {BUILT}, found none; build it with Go: "
            "sh tools/toxiproxy"
        ) from None


def server(folder: Path, port: int, careless: bool = False) -> Server:
    command = [str(program()), "-host", HOST, "-port", str(port)]
    return Server(NAME, port, _answers, partial(Program, command, folder))


def _answers(port: int) -> bool:
    return answers(port, b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n", b"HTTP/1.1 200")


if __name__ == "__main__":
    serve(server)
