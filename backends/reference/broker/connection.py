"""One client of the broker: frames in, replies out, and how much of it may be under way.

It knows nothing of queues. What it has read and the broker has not carried out yet is bounded: a
client that sends faster than it is served is not read until it is its turn again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

from ....protocol.commands import Command, Refused, Reply
from . import wire
from .limits import Limits

WRITE_LIMIT = wire.MAX_FRAME


class Server(Protocol):
    """What a connection tells the broker."""

    limits: Limits

    def joined(self, connection: Connection) -> str:
        """It is there. Why it may not stay; empty if it may."""

    def has_commands(self, connection: Connection) -> None: ...
    def unfinished(self, connection: Connection, change: int) -> bool:
        """It holds so many more bytes that are unfinished; False if all hold too many now."""

    def left(self, connection: Connection) -> None: ...


class Connection(asyncio.Protocol):
    """One client. ``pending`` are the commands that it waits for, with their sizes."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._limits = server.limits
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._clock = asyncio.get_running_loop().time
        self._held = 0
        self._pending_bytes = 0
        self._deaf = False
        self._reading = True
        self.pending: deque[tuple[int, Command, int]] = deque()
        self.heard_at = self._clock()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=WRITE_LIMIT)
        if refusal := self._server.joined(self):
            self._end_with(refusal)

    def data_received(self, data: bytes) -> None:
        self.heard_at = self._clock()
        self._buffer += data
        try:
            bodies = wire.split(self._buffer)
        except wire.FrameError as error:
            self._end_with(str(error))
            return
        for body in bodies:
            try:
                request_id, command = wire.decode_command(body)
            except wire.MessageError as error:
                self.reply(error.request_id, Refused(str(error)))
            else:
                self.pending.append((request_id, command, len(body)))
                self._pending_bytes += len(body)
        if bodies and self.pending:
            self._server.has_commands(self)
        if self._holds_too_much():
            self._end_with(
                f"expected at most {self._limits.unfinished_bytes} bytes of unfinished messages "
                "of all clients, found more; send it again later"
            )
        self._read_or_wait()

    def take(self) -> tuple[int, Command]:
        """The next command: it is carried out now."""
        request_id, command, size = self.pending.popleft()
        self._pending_bytes -= size
        return request_id, command

    def taken(self) -> None:
        """Some were carried out: there may be room to read on."""
        self._holds_too_much()
        self._read_or_wait()

    def pause_writing(self) -> None:
        """The client does not read its answers: stop taking its requests."""
        self._deaf = True
        self._read_or_wait()

    def resume_writing(self) -> None:
        self._deaf = False
        self.heard_at = self._clock()
        self._server.has_commands(self)
        self._read_or_wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.pending.clear()
        self._server.unfinished(self, -self._held)
        self._held = 0
        self._server.left(self)

    def reply(self, request_id: int, reply: Reply) -> None:
        if self._transport is None or self.gone:
            return
        try:
            frame = wire.encode(request_id, reply)
        except wire.FrameError:
            frame = wire.encode(request_id, Refused("the answer is too large; ask for less"))
        self._transport.write(frame)

    @property
    def deaf(self) -> bool:
        """Whether it has more answers than it reads."""
        return self._deaf

    @property
    def gone(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def stalled(self, now: float) -> bool:
        """Whether it owes the rest of a message, or the reading of its answers, for too long."""
        owes = bool(self._buffer and self._reading) or self._deaf
        return owes and now - self.heard_at > self._limits.unfinished_s

    def idle(self, now: float) -> bool:
        return not self.pending and now - self.heard_at > self._limits.idle_s

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    def abort(self) -> None:
        """Close without waiting for a client that does not read its answers."""
        if self._transport:
            self._transport.abort()

    def _end_with(self, refusal: str) -> None:
        self.reply(0, Refused(refusal))
        self._buffer.clear()
        self.close()

    def _holds_too_much(self) -> bool:
        """Tell the broker what is held beyond what is free; whether that is too much."""
        size = len(self._buffer) + self._pending_bytes
        held = max(0, size - self._limits.unfinished_bytes_free)
        change, self._held = held - self._held, held
        return bool(change) and not self._server.unfinished(self, change) and change > 0

    def _read_or_wait(self) -> None:
        busy = (
            self._deaf
            or len(self.pending) >= self._limits.pending_commands
            or self._pending_bytes >= self._limits.pending_bytes
        )
        if self._transport is None or self._transport.is_closing() or busy != self._reading:
            return
        self._reading = not busy
        if busy:
            self._transport.pause_reading()
        else:
            self.heard_at = self._clock()
            self._transport.resume_reading()
