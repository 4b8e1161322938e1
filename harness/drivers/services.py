"""What the jobs of an app call besides its broker: servers of a run's own, in their place."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ...backends.framework import Service
from ...errors import EnvironmentFault, UsageError
from ...servers.running import HOST, free_port
from .server import Spawn, tail
from .tree import Running

READY_WITHIN_S = 30.0
LOOK_EVERY_S = 0.01
ASKED_WITHIN_S = 1.0


def start_services(services: Sequence[Service], folder: Path, spawn: Spawn) -> dict[str, str]:
    """Start each from the folder of the run, and wait until all answer; where, by name.

    Raises :class:`UsageError` about a command that cannot be started, :class:`EnvironmentFault`
    about one that does not listen.
    """
    started = [(service, free_port()) for service in services]
    running = [(_start(service, port, folder, spawn), service, port) for service, port in started]
    for process, service, port in running:
        _await(process, service, port, _log(folder, service))
    return {service.name: f"{HOST}:{port}" for service, port in started}


def _start(service: Service, port: int, folder: Path, spawn: Spawn) -> Running:
    words = [word.replace("{port}", str(port)) for word in service.command]
    with _log(folder, service).open("ab") as log:
        try:
            process: Running = spawn(words, stdout=log, stderr=log)
        except OSError as error:
            raise UsageError(
                f"expected a command that serves {service.name}, found {words[0]!r}: "
                f"{error.strerror}; correct it"
            ) from None
        return process


def _log(folder: Path, service: Service) -> Path:
    return folder / f"service-{service.name}.log"


def _await(process: Running, service: Service, port: int, log: Path) -> None:
    until_s = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < until_s and process.poll() is None:
        with suppress(OSError), socket.create_connection((HOST, port), ASKED_WITHIN_S):
            return
        time.sleep(LOOK_EVERY_S)
    raise EnvironmentFault(
        f"expected {service.name} to listen at port {port} within {READY_WITHIN_S:g} s, found that "
        f"it does not: {tail(log) or 'no word from it'}; does its command listen at {{port}}?"
    )
