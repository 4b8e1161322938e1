"""The master: keeps jobs in one SQLite file and hands them out. One JSON line each way."""

from __future__ import annotations

import json
import socketserver
import sqlite3
import sys
import threading
import time
from typing import Any

TAKE_WAITS_S = 0.2
LOOK_EVERY_S = 0.01


class Jobs:
    """The jobs on file. What was taken when the master died is ready again when it is back."""

    def __init__(self, path: str) -> None:
        self._lock = threading.Lock()
        self._file = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._file.execute("pragma synchronous=full")
        self._file.execute(
            "create table if not exists jobs "
            "(number integer primary key, id unique, queue, function, state default 'ready')"
        )
        self._file.execute("update jobs set state = 'ready' where state = 'taken'")

    def run(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._file.execute(sql, values).fetchall()

    def take(self, queues: list[str]) -> tuple[str, str] | None:
        marks = ", ".join("?" * len(queues))
        rows = self.run(
            f"update jobs set state = 'taken' where number = (select min(number) from jobs "
            f"where state = 'ready' and queue in ({marks})) returning id, function",
            *queues,
        )
        return (rows[0][0], rows[0][1]) if rows else None


class Conversation(socketserver.StreamRequestHandler):
    server: Master

    def handle(self) -> None:
        self._mine: set[str] = set()
        try:
            for line in self.rfile:
                reply = self._answer(json.loads(line))
                self.wfile.write(json.dumps(reply).encode() + b"\n")
        except OSError:
            pass
        for identifier in self._mine:
            self.server.jobs.run("update jobs set state = 'ready' where id = ?", identifier)

    def _answer(self, ask: dict[str, Any]) -> dict[str, Any]:
        jobs, what, identifier = self.server.jobs, ask["what"], ask.get("id")
        if what == "put":
            jobs.run(
                "insert or ignore into jobs (id, queue, function) values (?, ?, ?)",
                identifier,
                ask["queue"],
                ask["function"],
            )
        elif what == "take":
            return self._take(ask["queues"])
        elif what in ("ack", "back"):
            state = "done" if what == "ack" else "ready"
            jobs.run("update jobs set state = ? where id = ?", state, identifier)
            self._mine.discard(str(identifier))
        elif what == "state":
            rows = jobs.run("select state from jobs where id = ?", identifier)
            return {"state": rows[0][0] if rows else None}
        elif what == "count":
            return dict(jobs.run("select state, count(*) from jobs group by state"))
        return {}

    def _take(self, queues: list[str]) -> dict[str, Any]:
        until = time.monotonic() + TAKE_WAITS_S
        while True:
            taken = self.server.jobs.take(queues)
            if taken:
                self._mine.add(taken[0])
                return {"id": taken[0], "function": taken[1]}
            if time.monotonic() > until:
                return {}
            time.sleep(LOOK_EVERY_S)


class Master(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, path: str, port: int) -> None:
        self.jobs = Jobs(path)
        super().__init__(("127.0.0.1", port), Conversation)


if __name__ == "__main__":
    with Master(sys.argv[1], int(sys.argv[2])) as master:
        print(f"ready 127.0.0.1:{master.server_address[1]}", flush=True)
        master.serve_forever()
