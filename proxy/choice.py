"""Which Toxiproxy a run uses: the embedded one, a server's program, or one that runs already.

It opens what was chosen for the length of a block and yields the address of its API. It
makes no proxies, and leaves those alone that a running server has.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from ..errors import EnvironmentFault
from ..servers.running import HOST, free_port
from .client import Toxiproxy, ToxiproxyError
from .embedded import Embedded

EMBEDDED = "embedded"
ANSWERS_WITHIN_S = 20.0
LOOK_EVERY_S = 0.01
STARTS = 3  # a free port may be taken by another before the server has it


@contextmanager
def opened(choice: str, seed: int) -> Iterator[str]:
    """The API's address, such as ``http://127.0.0.1:8474``, of the chosen Toxiproxy.

    ``choice`` is ``embedded``, the path or name of a server's program, which is started
    here and ends with the block or with this process, or the address of a server that runs.
    ``seed`` decides what strikes which connection in the embedded one; the real server
    takes it and does not obey it. Raises :class:`EnvironmentFault` if none can be had.
    """
    if choice == EMBEDDED:
        embedded = Embedded(seed=seed)
        try:
            yield embedded.start()
        finally:
            embedded.stop()
    elif "://" in choice:
        server = Toxiproxy(choice)
        server.version()
        yield server.url
    else:
        with _running(choice, seed) as url:
            yield url


@contextmanager
def _running(choice: str, seed: int) -> Iterator[str]:
    """A server's program on a free port, kept by another process, so that it never outlives us."""
    program = shutil.which(choice)
    if program is None:
        raise EnvironmentFault(
            f"expected {choice!r} to be the program of a Toxiproxy server, found none there; "
            f"give {EMBEDDED}, its path, or the address of a server such as http://127.0.0.1:8474"
        )
    with tempfile.TemporaryFile() as log:
        for _ in range(STARTS):
            port = free_port()
            process = _start(program, port, seed, log)
            try:
                if _answers(f"http://{HOST}:{port}", process):
                    yield f"http://{HOST}:{port}"
                    return
            finally:
                process.communicate()  # closes its standard input, which ends it
        said = _last_line(log) or "no word from it"
        raise EnvironmentFault(
            f"expected {program} to serve Toxiproxy's API within {ANSWERS_WITHIN_S:g} s, "
            f"found: {said}; see whether it is the right program"
        )


def _start(program: str, port: int, seed: int, log: IO[bytes]) -> subprocess.Popen[bytes]:
    keeper = [sys.executable, "-m", "jobquake.servers.lifeline"]
    return subprocess.Popen(
        [*keeper, program, "-host", HOST, "-port", str(port), "-seed", str(seed)],
        # It would tell of every connection, at a cost that benchmarks see.
        env={"LOG_LEVEL": "error"} | os.environ,
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    """Whether this process, and not another on the same port, answers in time."""
    until = time.monotonic() + ANSWERS_WITHIN_S
    server = Toxiproxy(url, timeout_s=1.0)
    while process.poll() is None and time.monotonic() < until:
        try:
            server.version()
        except ToxiproxyError:
            time.sleep(LOOK_EVERY_S)
        else:
            return process.poll() is None
    return False


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
