"""A Redis server in a folder, for tests: ``python -m jobquake.backends.servers.redis``.

As it starts by default, an answer means that the disk has it (append-only file, fsync
always). ``--careless`` is how Redis comes: snapshots now and then, so that a crash loses
what was acknowledged since. Either way a full memory refuses instead of evicting.
"""

from __future__ import annotations

from pathlib import Path

from .running import HOST, Server, answers, find_program, serve

DURABLE = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
CARELESS = ["--appendonly", "no", "--save", "3600 1 300 100 60 10000"]


def program() -> Path:
    """Where redis-server is. Raises :class:`.running.MissingServer`."""
    return find_program("redis-server", "redis-server")


def server(folder: Path, port: int, careless: bool = False) -> Server:
    command = [str(program()), "--bind", HOST, "--port", str(port), "--dir", "."]
    command += ["--maxmemory-policy", "noeviction", "--daemonize", "no", "--loglevel", "warning"]
    command += CARELESS if careless else DURABLE
    return Server(
        "redis-server",
        command,
        folder,
        port,
        lambda port: answers(port, b"PING\r\n", b"+PONG"),
    )


if __name__ == "__main__":
    serve(server)
