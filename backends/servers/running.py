"""Run somebody else's server as one process tree that never outlives its starter.

The wrapper starts the server, says ``ready HOST:PORT`` when it answers, passes SIGTERM
on, and ends when it ends. If the wrapper is killed, the kernel kills the server with it.
Only the standard library is used: these files are imported by fixtures of every kind.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, NoReturn

HOST = "127.0.0.1"
ENVIRONMENT = 3
READY_WITHIN_S = 20.0
LOOK_EVERY_S = 0.01
# From linux/prctl.h and linux/capability.h.
PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 1, 8, 47, 2
CAPABILITY_VERSION_3, CAP_DAC_OVERRIDE = 0x20080522, 1


class MissingServer(Exception):
    """The server's program is not installed. The message says how to get it."""


class Server(NamedTuple):
    """How to run one: the command, where, as whom, what stops it, whether it answers.

    ``user`` is (uid, gid) or None for whoever runs the wrapper.
    """

    name: str
    command: Sequence[str]
    folder: Path
    port: int
    answers: Callable[[int], bool]
    stop_signal: int = signal.SIGTERM
    user: tuple[int, int] | None = None


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
    """The main program of a wrapper: ``FOLDER PORT [--careless]``."""
    parser = argparse.ArgumentParser(description="Serve from FOLDER until SIGTERM.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("port", type=int, help="0 picks a free one")
    parser.add_argument("--careless", action="store_true", help="acknowledge before the disk")
    told = parser.parse_args()
    try:
        told.folder.mkdir(parents=True, exist_ok=True)
        sys.exit(_serve(lambda port: make(told.folder.resolve(), port, told.careless), told.port))
    except (MissingServer, OSError, subprocess.SubprocessError) as error:
        print(error, file=sys.stderr)
        sys.exit(ENVIRONMENT)


def _serve(make: Callable[[int], Server], port: int) -> int:
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.append(1))
    until = time.monotonic() + READY_WITHIN_S
    # A picked port may be gone by now, and the ghosts of a killed server may hold its
    # folder for a moment: what ends before it answers is started again.
    while True:
        server = make(port or free_port())
        process = _spawn(server)
        while process.poll() is None and not told and not server.answers(server.port):
            if time.monotonic() > until:
                process.kill()
            time.sleep(LOOK_EVERY_S)
        if process.poll() is None or told:
            break
        if time.monotonic() > until:
            print(
                f"expected {server.name} to answer on port {server.port} within "
                f"{READY_WITHIN_S:g} s, found that it ended with {process.returncode}",
                file=sys.stderr,
            )
            return ENVIRONMENT
        time.sleep(0.1)
    if not told:
        print(f"ready {HOST}:{server.port}", flush=True)
    while process.poll() is None and not told:
        time.sleep(LOOK_EVERY_S)
    if process.poll() is None:
        process.send_signal(server.stop_signal)
    status = process.wait()
    return 0 if told else status


def _spawn(server: Server) -> subprocess.Popen[bytes]:
    """The server as a child that dies with us."""
    us = os.getpid()
    libc = ctypes.CDLL(None, use_errno=True)

    def become_server() -> None:
        if server.user is not None:
            become(*server.user)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # a change of user clears it
        if os.getppid() != us:
            os._exit(1)  # we were killed before the kernel knew

    return subprocess.Popen(
        list(server.command),
        cwd=server.folder,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        preexec_fn=become_server,
    )


def become(uid: int, gid: int) -> None:
    """Stop being root, but keep the way into folders that only root may enter.

    Run folders are closed to others, and a server looks for its own by the full path.
    Opening all folders above it to everybody would be worse than this one capability.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    bit = 1 << CAP_DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    # Effective, permitted and inheritable, for the low and the high capabilities.
    libc.capset(header, (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0))
    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def answers(port: int, question: bytes, start: bytes) -> bool:
    """Whether a server on ``port`` answers ``question`` with something that begins so."""
    try:
        with socket.create_connection((HOST, port), 1.0) as connection:
            connection.sendall(question)
            return connection.recv(64).startswith(start)
    except OSError:
        return False


class Running(NamedTuple):
    """A wrapper under way: its process and the address of its server."""

    process: subprocess.Popen[str]
    address: str


def start(kind: str, folder: Path, port: int = 0, careless: bool = False) -> Running:
    """Start the wrapper of ``kind`` (redis, postgres) and wait until it is ready.

    Raises :class:`MissingServer` if it cannot be started here.
    """
    log = (folder / f"{kind}.log").open("a+")
    process = subprocess.Popen(
        [*command(kind, folder, port, careless)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        start_new_session=True,
        text=True,
    )
    assert process.stdout is not None
    select.select([process.stdout], [], [], READY_WITHIN_S + 5.0)
    line = process.stdout.readline()
    if line.startswith("ready "):
        log.close()
        return Running(process, line.split()[1])
    process.kill()
    process.wait()
    log.seek(0)
    said = log.read().strip().splitlines()
    raise MissingServer(said[-1] if said else f"expected {kind} to start, found no word from it")


def command(kind: str, folder: Path, port: int = 0, careless: bool = False) -> list[str]:
    """The wrapper's command line."""
    module = f"{__package__}.{kind}"
    options = ["--careless"] if careless else []
    return [sys.executable, "-m", module, str(folder), str(port), *options]


def stop(running: Running) -> None:
    """SIGTERM, and wait for the end."""
    running.process.terminate()
    running.process.wait()
    if running.process.stdout:
        running.process.stdout.close()


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
