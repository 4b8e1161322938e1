"""A client's connection, the one to the server behind it, and the two lanes between them.

An end or a RST on either side becomes a full close of both, once what is on its way has
arrived; one side of a connection never stays open alone. Knows nothing of listening.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Iterable
from functools import partial

from .applied import Applied, Direction
from .lane import Lane
from .tap import Tap

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
UPSTREAM, DOWNSTREAM = Direction.UPSTREAM, Direction.DOWNSTREAM


class End(asyncio.Protocol):
    """One socket of a link: bytes in, bytes out, and no thought of its own."""

    def __init__(
        self,
        connected: Callable[[], None],
        ended: Callable[[], None],
        lost: Callable[[], None],
        crowded: Callable[[bool], None],
    ) -> None:
        self.receive: Callable[[bytes], None] = _nowhere
        self.sent = 0
        self._connected, self._ended, self._lost, self._crowded = connected, ended, lost, crowded
        self._transport: asyncio.Transport | None = None
        self._finishing = False

    # -- told by the loop -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connected()

    def data_received(self, data: bytes) -> None:
        self.receive(data)

    def eof_received(self) -> bool:
        self._ended()
        return True  # the link decides when to close

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._lost()

    def pause_writing(self) -> None:
        self._crowded(True)

    def resume_writing(self) -> None:
        if self._finishing:
            self._close()
        else:
            self._crowded(False)

    # -- asked by the link ------------------------------------------------------------------

    @property
    def gone(self) -> bool:
        return self._transport is None

    def write(self, data: bytes) -> None:
        if self._transport and not self._finishing:
            self.sent += len(data)
            self._transport.write(data)

    def pause(self) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.resume_reading()

    def finish(self) -> None:
        """Close once everything written has gone out; write nothing more."""
        if self._transport and not self._finishing:
            self._finishing = True
            if self._transport.get_write_buffer_size():
                self._transport.set_write_buffer_limits(high=0)  # tells when it is empty
            else:
                self._close()

    def abort(self) -> None:
        """Close at once; what has not gone out is dropped."""
        if self._transport:
            self._finishing = True
            self._transport.abort()

    def reset_on_close(self) -> None:
        """From now on, closing sends a RST."""
        if self._transport:
            raw = self._transport.get_extra_info("socket")
            with contextlib.suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)

    def _close(self) -> None:
        if self._transport:
            self._transport.close()
            self._ended()


def _nowhere(data: bytes) -> None:
    raise AssertionError("nothing is read before both sides are connected")


class Link:
    """``accepted(link)`` is called when the client is there, ``dialled(link)`` when the server
    is, too, to ``connect`` them, and ``closed(link)`` when both are gone.
    """

    def __init__(
        self,
        number: int,
        seed: str,
        accepted: Callable[[Link], None],
        dialled: Callable[[Link], None],
        closed: Callable[[Link], None],
    ) -> None:
        self.number = number
        self.tap: Tap | None = None
        self._seed = f"{seed}/{number}"
        self._accepted, self._closed = accepted, closed
        self._lanes: dict[Direction, Lane] = {}
        self._over = False
        self.client = self._end(UPSTREAM, self._client_here)
        self.server = self._end(DOWNSTREAM, partial(dialled, self))

    def connect(self, toxics: Iterable[Applied], tap: Tap | None) -> None:
        """The server is there too: build the lanes and begin to read."""
        if self.client.gone or self.server.gone:
            self.close()
            return
        toxics = list(toxics)
        for direction, source, sink in (
            (UPSTREAM, self.client, self.server),
            (DOWNSTREAM, self.server, self.client),
        ):
            mine = [applied for applied in toxics if applied.direction is direction]
            lane = Lane(direction, source, sink, mine, self._seed)
            self._lanes[direction] = lane
            source.receive = lane.receive
        if any(applied.kind.resets for applied in toxics):
            self.client.reset_on_close()
            self.server.reset_on_close()
        if tap:
            self.attach(tap)
            tap.opened()
        self.client.resume()

    def attach(self, tap: Tap) -> None:
        """From now on, whatever is read goes to the tap."""
        self.tap = tap
        self.client.receive = partial(tap.received, UPSTREAM)
        self.server.receive = partial(tap.received, DOWNSTREAM)

    @property
    def connected(self) -> bool:
        return bool(self._lanes) and not self._over

    def lane(self, direction: Direction) -> Lane:
        return self._lanes[direction]

    def traffic(self) -> Iterable[tuple[Direction, int, int]]:
        """Per direction, the bytes read and the bytes written so far."""
        for direction, sink in ((UPSTREAM, self.server), (DOWNSTREAM, self.client)):
            if direction in self._lanes:
                yield direction, self._lanes[direction].received, sink.sent

    # -- what a tap may do ------------------------------------------------------------------

    def forward(self, direction: Direction, data: bytes) -> None:
        if self.connected:
            self._lanes[direction].receive(data)

    def end(self, direction: Direction) -> None:
        if self.connected:
            self._lanes[direction].receive_end()

    def pause(self, direction: Direction) -> None:
        if self.connected:
            self._lanes[direction].block("tap")

    def resume(self, direction: Direction) -> None:
        if self.connected:
            self._lanes[direction].unblock("tap")

    def reset(self) -> None:
        self.client.reset_on_close()
        self.server.reset_on_close()
        self.close()

    def close(self) -> None:
        for lane in self._lanes.values():
            lane.discard()
        self.client.abort()
        self.server.abort()

    # -- what the ends tell -----------------------------------------------------------------

    def _end(self, direction: Direction, connected: Callable[[], None]) -> End:
        """The end where that direction begins, and where the other one arrives."""
        other = DOWNSTREAM if direction is UPSTREAM else UPSTREAM
        return End(
            connected,
            partial(self._ended, direction),
            partial(self._lost, direction, other),
            partial(self._crowded, other),
        )

    def _client_here(self) -> None:
        self.client.pause()  # there is nowhere to send to yet
        self._accepted(self)

    def _ended(self, direction: Direction) -> None:
        if self.tap:
            self.tap.ended(direction)
        else:
            self.end(direction)

    def _lost(self, outgoing: Direction, arriving: Direction) -> None:
        if self._lanes:
            self._lanes[arriving].discard()
            self._ended(outgoing)
        if self.client.gone and self.server.gone and not self._over:
            self._over = True
            for lane in self._lanes.values():
                lane.discard()
            self._closed(self)
            if self.tap:
                self.tap.closed()

    def _crowded(self, direction: Direction, crowded: bool) -> None:
        if lane := self._lanes.get(direction):
            lane.block("sink") if crowded else lane.unblock("sink")
