"""Run somebody else's server as one process tree that never outlives its starter.

The wrapper starts the server, says ``ready HOST:PORT`` when it answers, passes SIGTERM
on, and ends when it ends. If the wrapper is killed, the kernel kills the server with it
(on Linux); with ``--lifeline``, the wrapper ends when its starter is gone, however that
came, and removes the folder. Only the standard library is used: these files are imported
by fixtures of every kind.
"""

from __future__ import annotations

import argparse
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, NoReturn, Protocol

from ..errors import ENVIRONMENT
from .source import MissingServer

HOST = "127.0.0.1"
READY_WITHIN_S = 43.0  # so that it is our word that tells why, and not our starter's
RETRY_FOR_S = 5.0
REMOVED_WITHIN_S = 10.0
LOOK_EVERY_S = 0.01


class Served(Protocol):
    """A server under way: a process, or a container.

    ``look_every_s`` is how often to ask whether it has ended; a child's end comes as a signal.
    """

    look_every_s: float

    def poll(self) -> int | None:
        """Its exit status, or None as long as it runs."""

    def kill(self) -> None: ...
    def stop(self) -> int:
        """Tell it to end, and wait for that; its exit status."""

    def last_words(self) -> str:
        """What it said last, if it did not say it on our standard error."""


class Server(NamedTuple):
    """How to run one: what to call it, its port, whether it answers there, how it begins."""

    name: str
    port: int
    answers: Callable[[int], bool]
    begin: Callable[[], Served]


def find_program(name: str, package: str, places: str = "") -> Path:
    """Where ``name`` is: on PATH, or else in the newest folder matching the glob ``places``.

    Raises :class:`MissingServer` if it is in neither.
    """
    if found := shutil.which(name):
        return Path(found)
    folders = sorted(Path("/").glob(places.lstrip("/")), key=_version) if places else []
    for folder in reversed(folders):
        if os.access(folder / name, os.X_OK):
            return folder / name
    raise MissingServer(
        f"expected {name} on PATH{' or in ' + places if places else ''}, found none; "
        f"install it, on Debian with: apt-get install {package}"
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def serve(make: Callable[[Path, int, bool], Server]) -> NoReturn:
    """The main program of a wrapper: ``FOLDER PORT [--careless] [--lifeline]``."""
    parser = argparse.ArgumentParser(description="Serve from FOLDER until SIGTERM.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("port", type=int, help="0 picks a free one")
    parser.add_argument("--careless", action="store_true", help="acknowledge before the disk")
    parser.add_argument(
        "--lifeline",
        action="store_true",
        help="end, too, when standard input closes; the folder is removed at the end",
    )
    arguments = parser.parse_args()
    stop = _StopSignal(arguments.lifeline)
    try:
        arguments.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = arguments.folder.resolve()
        sys.exit(_serve(lambda port: make(folder, port, arguments.careless), arguments.port, stop))
    except (MissingServer, OSError, subprocess.SubprocessError) as error:
        print(error, file=sys.stderr)
        sys.exit(ENVIRONMENT)
    finally:
        if arguments.lifeline:
            remove(arguments.folder)


class _StopSignal:
    """Whether this wrapper was told to end, by a signal or by the end of its lifeline."""

    def __init__(self, lifeline: bool) -> None:
        self._watched = [sys.stdin] if lifeline else []
        self._received = False
        self._woken, wakes = os.pipe()
        for end in (self._woken, wakes):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wakes)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._tell)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only to be woken

    def _tell(self, *_: object) -> None:
        self._received = True

    def rest(self, longest_s: float) -> None:
        """Sleep until a signal comes or the lifeline ends, or for that long."""
        select.select([self._woken, *self._watched], [], [], longest_s)
        with suppress(BlockingIOError):
            os.read(self._woken, 4096)

    def __bool__(self) -> bool:
        if self._watched and select.select(self._watched, [], [], 0)[0]:
            self._received = True  # nobody writes there: it can only have closed
        return self._received


def _serve(make: Callable[[int], Server], port: int, stop: _StopSignal) -> int:
    began = time.monotonic()
    # A picked port may be gone by now, and the ghosts of a killed server may hold its
    # folder for a moment: what ends before it answers is started again.
    while True:
        server = make(port or free_port())
        process = server.begin()
        while process.poll() is None and not stop and not server.answers(server.port):
            if time.monotonic() > began + READY_WITHIN_S:
                process.kill()
            time.sleep(LOOK_EVERY_S)
        if process.poll() is None or stop:
            break
        took_s = time.monotonic() - began
        if took_s > RETRY_FOR_S:
            words = process.last_words()
            print(
                f"expected {server.name} to answer on port {server.port} within "
                f"{READY_WITHIN_S:g} s, found after {took_s:.0f} s that it ended with "
                f"{process.poll()}{words and ': ' + words}",
                file=sys.stderr,
            )
            return ENVIRONMENT
        time.sleep(0.1)
    try:
        if not stop:
            print(f"ready {HOST}:{server.port}", flush=True)
        while process.poll() is None and not stop:
            stop.rest(process.look_every_s)
    finally:
        status = process.stop()
    return 0 if stop else status


def answers(port: int, question: bytes, start: bytes) -> bool:
    """Whether a server on ``port`` answers ``question`` with something that begins so."""
    try:
        with socket.create_connection((HOST, port), 1.0) as connection:
            connection.sendall(question)
            return connection.recv(64).startswith(start)
    except OSError:
        return False


def remove(folder: Path) -> None:
    """Remove the folder; what a server's last children still write there is waited for."""
    until = time.monotonic() + REMOVED_WITHIN_S
    while folder.exists() and time.monotonic() < until:
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            time.sleep(LOOK_EVERY_S)


class Running(NamedTuple):
    """A wrapper under way: its process and the address of its server."""

    process: subprocess.Popen[str]
    address: str


def start(
    kind: str, folder: Path, port: int = 0, careless: bool = False, lifeline: bool = False
) -> Running:
    """Start the wrapper of ``kind`` (redis, postgres) and wait until it is ready.

    With ``lifeline`` it makes the folder, and removes it when it ends, which it does when
    this process is gone, too. Raises :class:`MissingServer` if it cannot be started here.
    """
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [*command(kind, folder, port, careless), *(["--lifeline"] if lifeline else [])],
            stdin=subprocess.PIPE if lifeline else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            text=True,
        )
        assert process.stdout is not None
        select.select([process.stdout], [], [], READY_WITHIN_S + 5.0)
        line = process.stdout.readline()
        if line.startswith("ready "):
            return Running(process, line.split()[1])
        process.kill()
        _close(process)
        log.seek(0)
        said = log.read().strip().splitlines()
    raise MissingServer(said[-1] if said else f"expected {kind} to start, found no word from it")


def command(kind: str, folder: Path, port: int = 0, careless: bool = False) -> list[str]:
    """The wrapper's command line."""
    module = f"{__package__}.{kind}"
    options = ["--careless"] if careless else []
    return [sys.executable, "-m", module, str(folder), str(port), *options]


def programs(kind: str) -> list[str]:
    """What the wrapper runs: this Python, and the server's program unless that is missing here."""
    with suppress(MissingServer):  # the run tells of it when it starts one
        return [sys.executable, str(import_module(f".{kind}", __package__).program())]
    return [sys.executable]


def stop(running: Running) -> None:
    """SIGTERM, and wait for the end."""
    running.process.terminate()
    _close(running.process)


def _close(process: subprocess.Popen[str]) -> None:
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()


@contextmanager
def started(kind: str, folder: Path, port: int = 0, careless: bool = False) -> Iterator[str]:
    """The address of a server that runs as long as the block."""
    running = start(kind, folder, port, careless)
    try:
        yield running.address
    finally:
        stop(running)


def _version(folder: Path) -> list[int]:
    return [int(part) for part in folder.parts if part.isdecimal()]
