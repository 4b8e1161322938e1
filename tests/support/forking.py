"""``jobquake`` commands as processes of their own that need not import everything once more.

A server of the tests imports the command line once. Each command is a fork of it, with its own
arguments, folder, environment and streams. To start Python and to import is most of what a short
command costs, and the tests call some hundred. Tests of the start itself (the installed script,
an import that fails, limits of the process) start the program instead.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import pkgutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import _lru_cache_wrapper, cache
from importlib import import_module
from pathlib import Path
from typing import IO, NoReturn

from click.testing import CliRunner

LONGEST = 1 << 20  # of a request, bytes
STARTED_WITH = dict(os.environ)  # before any test changes it


class Forking:
    """The server, which ends with this process, and the connection to it."""

    def __init__(self) -> None:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LONGEST)
        with theirs:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "support.forking", str(theirs.fileno())],
                cwd=Path(__file__).parents[1],
                env=STARTED_WITH,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        atexit.register(self.close)

    def close(self) -> None:
        self._line.close()
        self._server.wait()

    def run(self, words: list[str], within: Path, env: Mapping[str, str]) -> tuple[int, str, str]:
        """The exit code of the command, and what it wrote to either stream."""
        asked = json.dumps({"words": words, "within": os.fspath(within), "env": dict(env)})
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            socket.send_fds(self._line, [asked.encode()], [out.fileno(), err.fileno()])
            code = int(self._line.recv(64))
            return code, _text(out), _text(err)


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode()


def can_be(env: Mapping[str, str]) -> bool:
    """Whether a fork can be a command in it: what Python reads when it starts is the same."""
    return _of_python(env) == _of_python(STARTED_WITH)


def _of_python(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith("PYTHON")}


@cache
def forking() -> Forking:
    """The one server of this process."""
    return Forking()


# -- the server ---------------------------------------------------------------------------


def main() -> None:
    """Serve until nobody asks any more; a fork goes on as the command."""
    from jobquake.cli import main as command

    _warm_up()
    if not _is_fork(socket.socket(fileno=int(sys.argv[1]))):
        return
    try:
        command()
    except SystemExit as ended:
        _leave(ended.code)


def _warm_up() -> None:
    """Import what commands use: most of it is imported late, so some are run."""
    from jobquake.cli import commands
    from jobquake.cli.group import cli

    for module in pkgutil.iter_modules(commands.__path__, f"{commands.__name__}."):
        import_module(module.name)
    with tempfile.TemporaryDirectory() as folder:
        run = ["run", "worker-kill-before-ack", "--driver", "sim", "--report", folder]
        for words in (["list"], run):
            CliRunner().invoke(cli, words, catch_exceptions=False)
    for thing in gc.get_objects():
        if isinstance(thing, _lru_cache_wrapper) and thing.__module__.startswith("jobquake"):
            thing.cache_clear()  # what was found here may not be there
    gc.freeze()


def _is_fork(line: socket.socket) -> bool:
    """Answer with the code of each command; True in the fork that is to be the next one."""
    while True:
        asked, streams, _, _ = socket.recv_fds(line, LONGEST, 2)
        if not asked:
            return False
        child = os.fork()
        if not child:
            line.close()
            _become(json.loads(asked), streams)
            return True
        for stream in streams:
            os.close(stream)
        _, status = os.waitpid(child, 0)
        line.send(b"%d" % os.waitstatus_to_exitcode(status))


def _become(asked: dict, streams: list[int]) -> None:  # type: ignore[type-arg]
    """What the command was asked to be: its streams, folder, environment and arguments."""
    for number, stream in enumerate(streams, 1):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(asked["within"])
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.argv = ["jobquake", *asked["words"]]
    sys.path[0] = asked["within"]
    sys.modules["__main__"] = import_module("jobquake.__main__")  # its own children look at it
    tempfile.tempdir = None


def _leave(code: object) -> NoReturn:
    """End as Python does, but without taking apart what was imported: that costs most."""
    for thread in threading.enumerate():
        if not thread.daemon and thread is not threading.current_thread():
            thread.join()
    atexit._run_exitfuncs()
    with suppress(OSError):
        sys.stdout.flush()
    os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    main()
