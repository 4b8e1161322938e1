"""A Redis server in a folder, for tests: ``python -m jobquake.servers.redis``.

As it starts by default, an answer means that the disk has it (append-only file, fsync
always). ``--careless`` is how Redis comes: snapshots now and then, so that a crash loses
what was acknowledged since. Either way a full memory refuses instead of evicting.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from .container import Container
from .program import Program
from .running import HOST, Server, answers, find_program, serve
from .source import Image, source

DURABLE = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
CARELESS = ["--appendonly", "no", "--save", "3600 1 300 100 60 10000"]
ALWAYS = ["--maxmemory-policy", "noeviction", "--daemonize", "no", "--loglevel", "warning"]
PORT_INSIDE = 6379


def program() -> Path:
    """Where redis-server is. Raises :class:`.source.MissingServer`."""
    return find_program("redis-server", "redis-server")


def server(folder: Path, port: int, careless: bool = False) -> Server:
    options = [*ALWAYS, *(CARELESS if careless else DURABLE)]
    where = source("redis")
    if isinstance(where, Image):
        # Only the loopback of this machine leads into the container.
        command = ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", *options]
        begin = partial(Container, where.name, folder, port, PORT_INSIDE, command, {})
        return Server(where.name, port, _answers, begin)
    command = [str(program()), "--bind", HOST, "--port", str(port), "--dir", ".", *options]
    return Server("redis-server", port, _answers, partial(Program, command, folder))


def _answers(port: int) -> bool:
    return answers(port, b"PING\r\n", b"+PONG")


if __name__ == "__main__":
    serve(server)
