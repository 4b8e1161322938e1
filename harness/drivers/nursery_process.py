"""The nursery as a process of its own: it has loaded all that a node needs, and forks nodes.

It has one thread, opens no connection and no ledger, and knows the plan only to load what its
backend is made of. Requests and reports are lines of JSON over a socket:

    {"node": [...], "log": path}     a node to start, with the arguments of :func:`.node.main`
    {"began": pid}                   the answer
    {"ended": pid, "status": n}      its exit status, negative if a signal ended it

When the other end of the socket is gone, the nursery kills the nodes that are left, sees them
dead and ends.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...backends import registry
from ...backends.adapter import Preloading
from ...leap.native_calls import be_node
from ...protocol.run_files import REPLAY
from ..plan.replay import unpack
from . import node
from .pace import clock_of


def main(arguments: list[str]) -> None:
    """``nursery_process.py FD FOLDER``."""
    fd, folder = arguments
    with suppress(Exception):  # the node that cannot load it tells so
        adapter = registry.find(unpack((Path(folder) / REPLAY).read_text()).backend)
        if isinstance(adapter, Preloading):
            adapter.preload()
    gc.freeze()
    with socket.socket(fileno=int(fd)) as line:
        serve(line)


def serve(line: socket.socket) -> None:
    """Fork what is asked for and report who ended, until nobody asks any more."""
    woken, wakes = os.pipe()
    for end in (woken, wakes):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes)
    living: set[int] = set()
    unread = b""
    while True:
        ready = select.select([line.fileno(), woken], [], [])[0]
        if woken in ready:
            os.read(woken, 4096)
            for pid, status in reaped():
                living.discard(pid)
                tell(line, {"ended": pid, "status": status})
        if line.fileno() in ready:
            heard = line.recv(65536)
            if not heard:
                break
            *requests, unread = (unread + heard).split(b"\n")
            for request in requests:
                pid = fork(json.loads(request), line)
                living.add(pid)
                tell(line, {"began": pid})
    for pid in living:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def tell(line: socket.socket, report: dict[str, int]) -> None:
    with suppress(OSError):  # whoever asked is gone, which the next look at the line tells
        line.sendall(json.dumps(report).encode() + b"\n")


def reaped() -> Iterator[tuple[int, int]]:
    """Who has ended since the last look, and with which status."""
    with suppress(ChildProcessError):
        while (child := os.waitpid(-1, os.WNOHANG))[0]:
            yield child[0], os.waitstatus_to_exitcode(child[1])


def fork(request: dict[str, Any], line: socket.socket) -> int:
    """A node in a process group of its own, which writes to its log; its pid."""
    pid = os.fork()
    with suppress(OSError):  # whichever of the two comes first, nobody sees it without its group
        os.setpgid(pid, pid)
    if pid:
        return pid
    status: object = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        line.close()
        log = os.open(request["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        show_as("{0}-{2}".format(*request["node"]))
        be_node(clock_of(int(request["node"][2])))
        node.main(request["node"])
        status = 0
    except SystemExit as leaving:
        status = leaving.code or 0
    except BaseException:  # noqa: BLE001 - as the interpreter itself would
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status if isinstance(status, int) else 1)


def show_as(name: str) -> None:
    """Let ``ps`` and ``top`` tell the nodes apart, where that can be had."""
    with suppress(OSError):
        Path("/proc/self/comm").write_text(name)


if __name__ == "__main__":
    main(sys.argv[1:])
