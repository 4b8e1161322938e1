"""A NATS server with JetStream in a folder, for tests: ``python -m jobquake.servers.nats``.

A stream that is kept in files is written before the server answers. What a crash of the machine
loses is not tried. A careless one is the same server: whoever makes a stream says where it is kept.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from .program import Program
from .running import HOST, Server, answers, find_program, serve

CONFIGURATION = """\
listen: "{host}:{port}"
jetstream {{ store_dir: "{store}" }}
"""


def program() -> Path:
    """Where nats-server is. Raises :class:`.source.MissingServer`."""
    return find_program("nats-server", "nats-server", "/usr/sbin")


def server(folder: Path, port: int, careless: bool = False) -> Server:
    configuration = folder / "nats.conf"
    store = str(folder / "store").replace("\\", "\\\\").replace('"', '\\"')
    configuration.write_text(CONFIGURATION.format(host=HOST, port=port, store=store))
    command = [str(program()), "-c", str(configuration)]
    return Server("nats-server", port, _answers, partial(Program, command, folder))


def _answers(port: int) -> bool:
    return answers(port, b"PING\r\n", b"INFO ")


if __name__ == "__main__":
    serve(server)
