"""The parent of a described queue's worker: starts it, and hears from it what its jobs do.

``python -m jobquake.frameworks.described.reporting COMMAND...``

A job of the plan makes a POST request to ``$JOBQUAKE_JOBS``, its id percent-encoded where it has
more than letters, digits and hyphens:

- ``$JOBQUAKE_JOBS/ID`` plays the job: the answer comes when its work is over, 200 if it succeeded,
  500 if it is to fail.
- ``$JOBQUAKE_JOBS/ID/began``, ``/returned`` and ``/raised`` tell of a job that does its own work.

Or it writes lines of JSON to the pipe ``$JOBQUAKE_REPORTS``: ``{"job": ID, "says": "began"}``. Who
waits for the answer to a request is struck exactly there; a line is not answered, and its writer
goes on until the harness has come.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import psutil

from ...protocol.probe import FOLDER, INCARNATION, NODE, JobFailed, Probe
from ..inside.probe import InHand

JOBS, REPORTS = "JOBQUAKE_JOBS", "JOBQUAKE_REPORTS"
HOST = "127.0.0.1"


class WorkerProbe(Probe):
    """Of a worker that is another process: who stands still is that process and its children."""

    worker: subprocess.Popen[bytes]

    def stand_still(self) -> None:
        processes = _tree(self.worker.pid)
        _tell(processes, signal.SIGSTOP)
        super().stand_still()
        _tell(processes, signal.SIGCONT)


class Reports:
    """What the jobs of one worker say, each word in the ledger before it is answered."""

    def __init__(self, probe: WorkerProbe) -> None:
        self.knows = probe.knows
        self._in_hand = InHand(lambda: probe)
        self.words: Mapping[str, Callable[[str], None]] = {
            "began": self._in_hand.begins,
            "returned": partial(self._in_hand.ends, raised=False),
            "raised": partial(self._in_hand.ends, raised=True),
        }

    def play(self, job: str) -> bool:
        """Be the job's function; whether it succeeded."""
        try:
            with self._in_hand.running(job):
                self._in_hand.playing(job).play()
        except JobFailed:
            return False
        return True


class Handler(BaseHTTPRequestHandler):
    """One request: ``POST /ID`` or ``POST /ID/WORD``."""

    server: Server

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        job, word = [*map(unquote, self.path.split("/")[1:3]), ""][:2]
        reports = self.server.reports
        if not reports.knows(job):
            self._answer(404, f"expected the id of a job of this run, found {job!r}")
        elif not word:
            done = reports.play(job)
            self._answer(200 if done else 500, "done" if done else "the job is to fail")
        elif tell := reports.words.get(word):
            tell(job)
            self._answer(200, "heard")
        else:
            self._answer(404, f"expected {', '.join(reports.words)}, found {word!r}")

    def _answer(self, code: int, words: str) -> None:
        body = f"{words}\n".encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """The ledger has it."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, reports: Reports) -> None:
        super().__init__((HOST, 0), Handler)
        self.reports = reports

    def serve(self) -> None:
        """Wait without looking up: nothing but a connection wakes it."""
        while True:
            request, client = self.get_request()
            request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.process_request(request, client)


def hear(pipe: Path, reports: Reports) -> None:
    """Each line that somebody writes there; one that says nothing of a job is told and left."""
    with open(os.open(pipe, os.O_RDWR), "rb") as lines:  # noqa: PTH123 - whoever writes may close
        for line in lines:
            try:
                said = json.loads(line)
                job, tell = str(said["job"]), reports.words[said["says"]]
            except (ValueError, KeyError, TypeError):
                print(f"expected a line of JSON about a job, found {line!r}", file=sys.stderr)
                continue
            if reports.knows(job):
                tell(job)


def _tree(pid: int) -> list[psutil.Process]:
    try:
        worker = psutil.Process(pid)
        return [worker, *worker.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _tell(processes: list[psutil.Process], number: int) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def main(command: list[str]) -> int:
    """Run the worker until it ends; its own end is this one's."""
    folder = Path(os.environ[FOLDER])
    node, incarnation = os.environ[NODE], os.environ[INCARNATION]
    probe = WorkerProbe(folder, int(node), int(incarnation))
    reports = Reports(probe)
    server = Server(reports)
    pipe = folder / f"reports-{node}-{incarnation}"
    os.mkfifo(pipe)
    told = {JOBS: f"http://{HOST}:{server.server_port}", REPORTS: str(pipe)}
    probe.watches()
    try:
        probe.worker = subprocess.Popen(command, env={**os.environ, **told})
    except OSError as error:
        print(f"expected a command that starts a worker, found {command[0]!r}: {error.strerror}",
              flush=True)  # fmt: skip
        return 3
    signal.signal(signal.SIGTERM, lambda *_: probe.worker.terminate())
    for hears in (server.serve, lambda: hear(pipe, reports)):
        threading.Thread(target=hears, daemon=True).start()
    probe.hooked()
    status = probe.worker.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))
