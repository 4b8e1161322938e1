"""The reference queue over TCP: asyncio, SQLite inside, answers only what is durable.

Requests that arrive in the same turn of the event loop share one transaction, hence one
wait for the disk (group commit); their answers go out after it. Clients are isolated: a
malformed message is answered with an error, a malformed frame costs its sender the
connection, nobody gets more than :mod:`.limits` says, and nobody else notices. While the file
cannot be written (a full disk), calls are answered with the error, and nothing of them happens.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from math import inf
from pathlib import Path
from random import Random

from ....protocol.clock import Clock
from ....protocol.commands import Command, DeadLetters, Lease, Leased, Refused, Replay, Reply
from ...metrics.endpoint import Endpoint
from ...metrics.exported import page_of
from ..core import CORRECT, Decisions
from ..queue import FORGET_EVERY_S, RETENTION_S, ReferenceQueue
from ..stores.server_words import of_sqlite
from ..stores.sqlite import SQLiteStore
from . import wire
from .connection import Connection
from .limits import Limits
from .waiting import Waiter, WaitingRoom

NOTHING = Leased(None)
LOOK_EVERY_S = 0.1  # at most so often is looked at what time alone may have changed
SWEEP_EVERY_S = 1.0  # and at least so often, since a clock may be put forward
MAX_WAIT_S = 60.0

Answer = tuple[Connection, int, Reply]


class Broker:
    """Serves ``queue`` to many connections until :meth:`stop`, each within ``limits``.

    In a turn each client has some of its commands carried out, however many it has sent.
    """

    def __init__(self, queue: ReferenceQueue, limits: Limits = Limits()) -> None:  # noqa: B008
        self.limits = limits
        self._queue = queue
        self._queue.page_bytes = limits.page_bytes
        self._queue.on_ready = self._ready
        self._asking: dict[Connection, None] = {}
        self._room: WaitingRoom[Connection] = WaitingRoom(limits)
        self._changed: set[str] | None = set()  # None: any queue
        self._scheduled = False
        self._timer: asyncio.TimerHandle | None = None
        self._sweep_at = 0.0
        self._connections: set[Connection] = set()
        self._unfinished = 0
        self._server: asyncio.Server | None = None
        self._stopped = False
        self._trouble = ""

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; returns the address. Raises OSError if the port cannot be had."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), host, port)
        self._tick()
        address = self._server.sockets[0].getsockname()
        return str(address[0]), int(address[1])

    async def stop(self) -> None:
        """Take no more, and leave what is under way unanswered: nothing of it happens."""
        self._stopped = True
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

    # -- what connections tell ----------------------------------------------------------

    def joined(self, connection: Connection) -> str:
        if len(self._connections) >= self.limits.connections:
            return (
                f"expected at most {self.limits.connections} connections, found one more; "
                "connect again when others have left"
            )
        self._connections.add(connection)
        return ""

    def has_commands(self, connection: Connection) -> None:
        if connection.pending:
            self._asking[connection] = None
            self._schedule()

    def unfinished(self, connection: Connection, change: int) -> bool:
        self._unfinished += change
        return self._unfinished <= self.limits.unfinished_bytes

    def left(self, connection: Connection) -> None:
        """A connection is gone: whatever it still waited for is dropped, not leased to nobody."""
        self._connections.discard(connection)
        self._asking.pop(connection, None)
        self._room.client_left(connection)

    # -- turns --------------------------------------------------------------------------

    def _ready(self, queue: str) -> None:
        if self._changed is not None:
            self._changed.add(queue)

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        """Carry out some commands of each who asks in one commit, then answer."""
        self._scheduled = False
        if self._stopped:
            return
        self._look_soon()
        asking, self._asking = self._asking, {}
        answers: list[Answer] = []
        taken: list[tuple[Connection, int]] = []
        entered: list[Waiter[Connection]] = []
        now = asyncio.get_running_loop().time()
        over = self._room.over(now)
        try:
            with self._queue.transaction():
                for connection in asking:
                    answers.extend(self._commands_of(connection, now, taken, entered))
                served = self._serve_waiting(answers)
        except sqlite3.Error as error:
            self._changed = None
            self._room.come_back(over)
            self._tell(error)
            if failed := of_sqlite(error):
                for waiter in entered:
                    self._room.leave(waiter)
                for connection, request_id in taken:
                    connection.reply(request_id, failed)
        else:
            self._trouble = ""
            if self._changed:
                self._schedule()
            self._answer(answers, served, over)
        for connection in asking:
            connection.taken()
            if not connection.deaf:
                self.has_commands(connection)

    def _commands_of(
        self,
        connection: Connection,
        now: float,
        taken: list[tuple[Connection, int]],
        entered: list[Waiter[Connection]],
    ) -> Iterator[Answer]:
        """Its turn: the answers to what is answered at once; a lease may wait instead."""
        size = 0
        for _ in range(self.limits.commands_a_turn):
            if not connection.pending or connection.deaf or size > self.limits.bytes_a_turn:
                return
            request_id, command = connection.take()
            if isinstance(command, Lease) and connection.gone:
                continue
            taken.append((connection, request_id))
            reply = self._refusal(connection, command) or self._carry_out(command)
            if isinstance(command, Lease) and reply == NOTHING and command.wait_s > 0:
                until = now + min(command.wait_s, MAX_WAIT_S)
                if refusal := self._room.refusal(connection, command):
                    reply = Refused(refusal)
                else:
                    entered.append(self._room.enter(connection, request_id, command, until))
                    continue
            size += _size(reply)
            yield connection, request_id, reply

    def _refusal(self, connection: Connection, command: Command) -> Refused | None:
        """What is too much for anybody is refused before anything of it happens."""
        limits = self.limits
        if isinstance(command, Lease) and len(command.queues) > limits.queues_a_lease:
            return _too_many(limits.queues_a_lease, "queues in a lease", len(command.queues))
        if isinstance(command, Replay) and len(command.job_ids) > limits.replayed_at_once:
            return _too_many(limits.replayed_at_once, "jobs in a replay", len(command.job_ids))
        return None

    def _serve_waiting(self, answers: list[Answer]) -> list[Waiter[Connection]]:
        def try_one(waiter: Waiter[Connection]) -> bool:
            if waiter.client.gone:  # its end is known, but not yet told by connection_lost
                return True
            reply = self._carry_out(waiter.lease)
            if reply == NOTHING:
                return False
            answers.append((waiter.client, waiter.request_id, reply))
            return True

        changed, self._changed = self._changed, set()
        return self._room.serve(changed, try_one)

    def _answer(
        self,
        answers: list[Answer],
        served: list[Waiter[Connection]],
        over: list[Waiter[Connection]],
    ) -> None:
        for waiter in served:
            self._room.leave(waiter)
        told = {(waiter.client, waiter.request_id) for waiter in served}
        for waiter in over:
            self._room.leave(waiter)
            if (waiter.client, waiter.request_id) not in told:
                answers.append((waiter.client, waiter.request_id, NOTHING))
        for connection, request_id, reply in answers:
            connection.reply(request_id, reply)

    def _carry_out(self, command: Command) -> Reply:
        try:
            return self._queue.call(command)
        except (ValueError, OverflowError, TypeError) as error:
            return Refused(f"the command cannot be carried out: {error}")

    def _tick(self) -> None:
        """Reap and serve what waits if time alone has changed something, traffic or not."""
        if self._stopped:
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._timer = loop.call_later(LOOK_EVERY_S, self._tick)
        self._sweep(now)
        try:
            change_at = self._queue.store.next_change_at(list(self._room.queues))
            changes_s = inf if change_at is None else change_at - self._queue.now()
            changed = changes_s <= 0
            if changed:
                self._changed = None
                with self._queue.transaction():
                    self._queue.reap()
        except sqlite3.Error as error:
            self._tell(error)
            return
        if changed or self._room.anybody_over(now):
            self._schedule()
        else:
            self._look_in(
                max(LOOK_EVERY_S, min(changes_s, self._room.ends_at - now, SWEEP_EVERY_S))
            )

    def _look_in(self, seconds: float) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._tick)

    def _look_soon(self) -> None:
        """A command may have brought something for which time is up before the next look."""
        soon = asyncio.get_running_loop().time() + LOOK_EVERY_S
        if self._timer and self._timer.when() > soon:
            self._look_in(LOOK_EVERY_S)

    def _sweep(self, now: float) -> None:
        """Cut off who owes something for too long, and who has said nothing for long."""
        if now < self._sweep_at:
            return
        self._sweep_at = now + SWEEP_EVERY_S
        for connection in list(self._connections):
            if connection.stalled(now):
                connection.abort()
            elif connection.idle(now) and not self._room.waits(connection):
                connection.close()

    def _tell(self, error: sqlite3.Error) -> None:
        """Say on standard error, once per trouble, why no call is carried out."""
        if str(error) != self._trouble:
            self._trouble = str(error)
            sys.stderr.write(
                f"jobquake broker: expected to write the queue file, found: {error}; "
                "no call is carried out until it can be written again\n"
            )
            sys.stderr.flush()


def _too_many(most: int, what: str, found: int) -> Refused:
    return Refused(f"expected at most {most} {what}, found {found}; ask for fewer at a time")


def _size(reply: Reply) -> int:
    """About how large an answer is, where it can be large."""
    if isinstance(reply, Leased) and reply.delivery:
        return len(reply.delivery.job.payload)
    return wire.MAX_FRAME // 8 if isinstance(reply, DeadLetters) else 0


async def serve(
    path: Path,
    host: str,
    port: int,
    ready: Callable[[str, int, str], None],
    decisions: Decisions = CORRECT,
    metrics: tuple[str, int] | None = None,
    retention_s: float = RETENTION_S,
    limits: Limits = Limits(),  # noqa: B008
) -> None:
    """Serve the queue in the file ``path`` until SIGTERM or SIGINT.

    ``metrics`` is the host and port of its metrics page, if one is wanted. Calls
    ``ready(host, port, metrics_address)`` once it listens. Raises OSError if the port is
    taken, and Unavailable if the file is not a queue or the page cannot be served.
    """
    queue = ReferenceQueue(SQLiteStore(path), Clock(), Random(), decisions, retention_s)
    broker = Broker(queue, limits)
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
