"""The reference queue over TCP: asyncio, SQLite inside, answers only what is durable.

Requests that arrive in the same turn of the event loop share one transaction, hence one
wait for the disk (group commit); their answers go out after it. Clients are isolated: a
malformed message is answered with an error, a malformed frame costs its sender the
connection, and nobody else notices. While the file cannot be written (a full disk), calls
are answered with the error, and nothing of them happens.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

from ....protocol.clock import Clock
from ....protocol.commands import Command, Lease, Leased, Refused, Reply
from ...metrics.endpoint import Endpoint
from ...metrics.exported import page_of
from ..core import CORRECT, Decisions
from ..queue import FORGET_EVERY_S, RETENTION_S, ReferenceQueue
from ..stores.server_words import of_sqlite
from ..stores.sqlite import SQLiteStore
from . import wire

LOOK_EVERY_S = 0.1
MAX_WAIT_S = 60.0
WRITE_LIMIT = 4 * wire.MAX_FRAME


class Broker:
    """Serves ``queue`` to any number of connections until :meth:`stop`."""

    def __init__(self, queue: ReferenceQueue) -> None:
        self._queue = queue
        self._pending: list[tuple[Connection, int, Command]] = []
        self._waiting: dict[tuple[Connection, int], tuple[Lease, float]] = {}
        self._scheduled = False
        self._timer: asyncio.TimerHandle | None = None
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._trouble = ""

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; returns the address. Raises OSError if the port cannot be had."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), host, port)
        self._tick()
        address = self._server.sockets[0].getsockname()
        return str(address[0]), int(address[1])

    async def stop(self) -> None:
        if self._timer:
            self._timer.cancel()
        if self._server:
            self._server.close()
        for connection in list(self._connections):
            connection.abort()
        if self._server:
            await self._server.wait_closed()

    def measure(self) -> Reply | None:
        """What the queue measures of itself; None while its file cannot be read."""
        try:
            return self._queue.measure()
        except sqlite3.Error as error:
            self._tell(error)
            return None

    def forget_old(self) -> None:
        """Drop what is older than the retention; later, if the file cannot be written now."""
        try:
            self._queue.forget_old()
        except sqlite3.Error as error:
            self._tell(error)

    def submit(self, connection: Connection, request_id: int, command: Command) -> None:
        self._pending.append((connection, request_id, command))
        self._schedule()

    def joined(self, connection: Connection) -> None:
        self._connections.add(connection)

    def left(self, connection: Connection) -> None:
        """A connection is gone: whatever it still waited for is dropped, not leased to nobody."""
        self._connections.discard(connection)
        self._waiting = {k: v for k, v in self._waiting.items() if k[0] is not connection}
        self._pending = [p for p in self._pending if p[0] is not connection]

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        """Carry out everything that is pending in one commit, then answer."""
        self._scheduled = False
        pending, self._pending = self._pending, []
        answers: list[tuple[Connection, int, Reply]] = []
        loop_now = asyncio.get_running_loop().time()
        try:
            with self._queue.transaction():
                for connection, request_id, command in pending:
                    if isinstance(command, Lease) and connection.gone:
                        continue
                    reply = self._carry_out(command)
                    wait_s = min(command.wait_s, MAX_WAIT_S) if isinstance(command, Lease) else 0.0
                    if wait_s > 0 and isinstance(reply, Leased) and reply.delivery is None:
                        assert isinstance(command, Lease)
                        self._waiting[connection, request_id] = (command, loop_now + wait_s)
                    else:
                        answers.append((connection, request_id, reply))
                answers.extend(self._serve_waiting(loop_now))
        except sqlite3.Error as error:
            self._tell(error)
            failed = of_sqlite(error)
            answers = [(who, request_id, failed) for who, request_id, _ in pending if failed]
        else:
            self._trouble = ""
        for connection, request_id, reply in answers:
            self._waiting.pop((connection, request_id), None)
            connection.reply(request_id, reply)

    def _serve_waiting(self, loop_now: float) -> list[tuple[Connection, int, Reply]]:
        answers: list[tuple[Connection, int, Reply]] = []
        empty: set[tuple[str, ...]] = set()
        for (connection, request_id), (lease, until) in self._waiting.items():
            if connection.gone:  # its end is known, but not yet told by connection_lost
                continue
            reply: Reply = Leased(None)
            if lease.queues not in empty:
                reply = self._carry_out(lease)
            nothing = isinstance(reply, Leased) and reply.delivery is None
            if nothing:
                empty.add(lease.queues)
            if not nothing or loop_now >= until:
                answers.append((connection, request_id, reply))
        return answers

    def _carry_out(self, command: Command) -> Reply:
        try:
            return self._queue.call(command)
        except (ValueError, OverflowError, TypeError) as error:
            return Refused(f"the command cannot be carried out: {error}")

    def _tick(self) -> None:
        """Reap and serve what waits if time alone has changed something, traffic or not."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(LOOK_EVERY_S, self._tick)
        waited_for = {queue for lease, _ in self._waiting.values() for queue in lease.queues}
        try:
            change_at = self._queue.store.next_change_at(waited_for)
            changed = change_at is not None and change_at <= self._queue.now()
            if changed:
                with self._queue.transaction():
                    self._queue.reap()
        except sqlite3.Error as error:
            self._tell(error)
            return
        if changed or any(until <= loop.time() for _, until in self._waiting.values()):
            self._schedule()

    def _tell(self, error: sqlite3.Error) -> None:
        """Say on standard error, once per trouble, why no call is carried out."""
        if str(error) != self._trouble:
            self._trouble = str(error)
            sys.stderr.write(
                f"jobquake broker: expected to write the queue file, found: {error}; "
                "no call is carried out until it can be written again\n"
            )
            sys.stderr.flush()


class Connection(asyncio.Protocol):
    """One client: frames in, replies out. Knows nothing of queues."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=WRITE_LIMIT)
        self._broker.joined(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            bodies = wire.split(self._buffer)
        except wire.FrameError as error:
            self.reply(0, Refused(str(error)))
            self.close()
            return
        for body in bodies:
            try:
                request_id, command = wire.decode_command(body)
            except wire.MessageError as error:
                self.reply(error.request_id, Refused(str(error)))
            else:
                self._broker.submit(self, request_id, command)

    def pause_writing(self) -> None:
        """The client does not read its answers: stop taking its requests."""
        if self._transport:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        if self._transport:
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._broker.left(self)

    def reply(self, request_id: int, reply: Reply) -> None:
        if self._transport is None or self.gone:
            return
        try:
            frame = wire.encode(request_id, reply)
        except wire.FrameError:
            frame = wire.encode(request_id, Refused("the answer is too large; ask for less"))
        self._transport.write(frame)

    @property
    def gone(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    def abort(self) -> None:
        """Close without waiting for a client that does not read its answers."""
        if self._transport:
            self._transport.abort()


async def serve(
    path: Path,
    host: str,
    port: int,
    ready: Callable[[str, int, str], None],
    decisions: Decisions = CORRECT,
    metrics: tuple[str, int] | None = None,
    retention_s: float = RETENTION_S,
) -> None:
    """Serve the queue in the file ``path`` until SIGTERM or SIGINT.

    ``metrics`` is the host and port of its metrics page, if one is wanted. Calls
    ``ready(host, port, metrics_address)`` once it listens. Raises OSError if the port is
    taken, and Unavailable if the file is not a queue or the page cannot be served.
    """
    queue = ReferenceQueue(SQLiteStore(path), Clock(), Random(), decisions, retention_s)
    broker = Broker(queue)
    page = Endpoint(page_of(broker.measure)) if metrics else None
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    try:
        page_address = await page.start(*metrics) if page and metrics else ""
        ready(*await broker.start(host, port), page_address)
        while not stopped.is_set():
            broker.forget_old()  # at once, for one that is killed again and again
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), FORGET_EVERY_S)
        await broker.stop()
    finally:
        if page:
            await page.stop()
        queue.store.close()


def print_ready(host: str, port: int, metrics_address: str) -> None:
    """The line that tells a parent process where the broker listens; then where its metrics are."""
    metrics = f"metrics {metrics_address}\n" if metrics_address else ""
    sys.stdout.write(f"ready {host}:{port}\n{metrics}")  # at once: who reads on may be gone
    sys.stdout.flush()
