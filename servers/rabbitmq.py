"""A RabbitMQ server in a folder, for tests: ``python -m jobquake.servers.rabbitmq``.

It is a node of its own that no other one can join: it listens on loopback for AMQP, and neither for
other nodes nor for a port mapper, so that many can run beside each other and nothing of it stays.
Whoever comes over loopback is ``guest``. What its queues hold is told at a socket of its own
(``rabbitmq.erlang``), since AMQP can only take messages, and has them come back as returned.

It writes what it has confirmed to its disk, as it starts by default; a careless one is the same.
How long a delivery may be kept (``consumer_timeout``) is its own half hour unless it is told.
"""

from __future__ import annotations

import os
import socket
import sys
from functools import partial
from pathlib import Path

from . import running
from .program import Program
from .running import HOST, Server, answers, find_program, serve

PLACES = "/usr/lib/rabbitmq/bin"
NODE = "rabbit@localhost"
LOOK = Path(__file__).with_suffix(".erlang")
DOOR = "jobquake-rabbitmq-{}"  # an abstract socket's name, by the port
CONFIGURATION = """\
[{{rabbit, [
    {{tcp_listeners, [{{"{host}", {port}}}]}},
    {{disk_free_limit, 1000000}},{timeout}
    {{log, [{{console, [{{enabled, true}}, {{level, error}}]}}, {{file, [{{enabled, false}}]}}]}}
]}}].
"""
TIMEOUT = "\n    {{consumer_timeout, {}}}, {{channel_tick_interval, {}}},"
TIMEOUT_MS = "JOBQUAKE_RABBITMQ_TIMEOUT_MS"
TICK_S = (
    0.1  # how often a channel looks for deliveries that were kept too long; a minute by default
)
RESTART_S = 15.0  # seven seconds of a processor, of which others may want their share
ALONE = "-noinput -sname {} -start_epmd false -erl_epmd_port 1 -dist_listen false"
QUIET = "+S 2:2 +A 4 +sbwt none +sbwtdcpu none +sbwtdio none"  # no scheduler waits by spinning


def program() -> Path:
    """Where rabbitmq-server is: Debian's own, which does not change the user, or on PATH.

    Raises :class:`.source.MissingServer`.
    """
    own = Path(PLACES) / "rabbitmq-server"
    return own if os.access(own, os.X_OK) else find_program(own.name, own.name)


def asked_for_version() -> Path:
    """The program beside it that tells its version, as it does not. Raises as :func:`program`."""
    return program().with_name("rabbitmqctl")


def door(port: int) -> str:
    """The name of the socket at which the server of that port tells what it holds (Linux)."""
    return "\0" + DOOR.format(port)


def command(folder: Path, port: int, timeout_s: float) -> list[str]:
    """The wrapper's command line; a delivery may be kept for so many seconds, and one step more."""
    limit = f"{TIMEOUT_MS}={round(timeout_s * 1000)}"
    return ["env", limit, *running.command("rabbitmq", folder, port)]


def server(folder: Path, port: int, careless: bool = False) -> Server:
    configuration = folder / "advanced.config"
    limit = os.environ.get(TIMEOUT_MS)
    timeout = TIMEOUT.format(limit, round(TICK_S * 1000)) if limit else ""
    configuration.write_text(CONFIGURATION.format(host=HOST, port=port, timeout=timeout))
    (folder / LOOK.name).write_text(LOOK.read_text())
    words = [ALONE.format(NODE), QUIET, f'-eval file:eval("{LOOK.name}")']
    environment = {
        "HOME": folder,  # its cookie
        "RABBITMQ_NODENAME": NODE,
        "RABBITMQ_MNESIA_BASE": folder / "mnesia",
        "RABBITMQ_LOG_BASE": folder / "log",
        "RABBITMQ_CONFIG_FILE": folder / "none",
        "RABBITMQ_ADVANCED_CONFIG_FILE": configuration,
        "RABBITMQ_CONF_ENV_FILE": os.devnull,
        "RABBITMQ_ENABLED_PLUGINS_FILE": folder / "plugins",
        "RABBITMQ_PID_FILE": folder / "pid",
        "RABBITMQ_ALLOW_INPUT": "1",  # the script becomes the server, instead of watching it
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": " ".join(words),
        "JOBQUAKE_RABBITMQ": DOOR.format(port),
    }
    command = ["env", *(f"{name}={value}" for name, value in environment.items()), str(program())]
    return Server("rabbitmq-server", port, _answers, partial(Program, command, folder))


def _answers(port: int) -> bool:
    return answers(port, b"AMQP\0\0\x09\1", b"\1") and (sys.platform != "linux" or _tells(port))


def _tells(port: int) -> bool:
    """Whether it tells what it holds already: its door is opened last."""
    with socket.socket(socket.AF_UNIX) as asked:
        return asked.connect_ex(door(port)) == 0


if __name__ == "__main__":
    serve(server)
