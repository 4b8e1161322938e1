"""A beanstalkd in a folder, for tests: ``python -m jobquake.servers.beanstalkd``.

It writes each change to its log before it answers and syncs it at once (``-b``, ``-f 0``), so that
a crash loses nothing that was acknowledged. ``--careless`` is how beanstalkd starts without
options: in memory only.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from .program import Program
from .running import HOST, Server, answers, find_program, serve

LOG = "log"


def program() -> Path:
    """Where beanstalkd is. Raises :class:`.source.MissingServer`."""
    return find_program("beanstalkd", "beanstalkd")


def server(folder: Path, port: int, careless: bool = False) -> Server:
    log = folder / LOG
    log.mkdir(mode=0o700, exist_ok=True)
    durable = [] if careless else ["-b", str(log), "-f", "0"]
    command = [str(program()), "-l", HOST, "-p", str(port), *durable]
    return Server("beanstalkd", port, _answers, partial(Program, command, folder))


def _answers(port: int) -> bool:
    return answers(port, b"list-tubes\r\n", b"OK ")


if __name__ == "__main__":
    serve(server)
