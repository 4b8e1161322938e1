"""The network between nodes and queue, as a TCP proxy that can misbehave on purpose.

Every connection of a run goes through it. It cuts the byte stream into the backend's
messages (``Framing``), counts round trips by kind of call, and strikes the ones that the
plan names: lose the request, lose the reply, delay, deliver twice, reset. During a
``NetTimeout`` nothing passes in either direction. It runs an event loop in a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Protocol

from ...backends.adapter import Framing
from ..events import Event, Phase
from ..ledger import Ledger
from ..plan import NetTimeout, Plan, job_index
from ..strikes import CallStrikes, call_phase

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class NetProxy:
    """Forwards a free loopback port to ``upstream`` (HOST:PORT). Start, later stop."""

    def __init__(self, upstream: str, framing: Framing, plan: Plan, ledger: Ledger) -> None:
        host, _, port = upstream.rpartition(":")
        self.upstream = (host, int(port))
        self.framing = framing
        self.calls = CallStrikes(plan)
        self.plan = plan
        self.started_at: float | None = None
        self._ledger = ledger
        self._dark = [
            (number, fault)
            for number, fault in enumerate(plan.faults)
            if isinstance(fault, NetTimeout)
        ]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="netproxy", daemon=True)
        self._links: set[_Link] = set()
        self._server: asyncio.Server | None = None

    def start(self) -> str:
        """Listen; the address to give to the nodes."""
        self._thread.start()
        return asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()

    def stop(self) -> None:
        """Close every connection and end the thread."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()

    def dark(self) -> int | None:
        """The number of the timeout fault that holds right now, if one does."""
        if self.started_at is None:
            return None
        now = time.monotonic() - self.started_at
        for number, fault in self._dark:
            if fault.at_s <= now < fault.at_s + fault.for_s:
                return number
        return None

    def struck(self, fault: int, phase: Phase, job: int, length_s: float = 0.0) -> None:
        self._ledger.write(Event.FAULT_STRUCK, phase=phase, job=job, fault=fault, value=length_s)

    def joined(self, link: _Link) -> None:
        self._links.add(link)

    def left(self, link: _Link) -> None:
        self._links.discard(link)

    async def _listen(self) -> str:
        self._server = await self._loop.create_server(lambda: _Link(self).client, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"{host}:{port}"

    async def _close(self) -> None:
        if self._server:
            self._server.close()
        for link in list(self._links):
            link.close()
        await asyncio.sleep(0)


class _Receiver(Protocol):
    def __call__(self, data: bytes) -> None: ...


class _End(asyncio.Protocol):
    """One socket of a link: hands bytes and the end of them to the link."""

    def __init__(
        self, opened: Callable[[], None], received: _Receiver, closed: Callable[[], None]
    ) -> None:
        self._opened, self._received, self._closed = opened, received, closed
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._opened()

    def data_received(self, data: bytes) -> None:
        self._received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self._closed()

    def write(self, data: bytes) -> None:
        if self.transport and not self.transport.is_closing():
            self.transport.write(data)

    def close(self) -> None:
        if self.transport:
            self.transport.close()

    def reset(self) -> None:
        """Close so that the peer gets a RST and not an orderly end."""
        if self.transport:
            connection = self.transport.get_extra_info("socket")
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            self.transport.abort()


class _Link:
    """A client's connection and the one to the queue behind it."""

    def __init__(self, proxy: NetProxy) -> None:
        self._proxy = proxy
        self.client = _End(self._dial, self._from_client, self._client_closed)
        self._server = _End(self._flush, self._from_server, self.close)
        self._requests, self._replies = bytearray(), bytearray()
        self._early: list[bytes] = []
        self._calls: dict[int, tuple[str, int]] = {}
        self._lost_replies: dict[int, int] = {}
        self._late = 0
        self._client_gone = False

    def _dial(self) -> None:
        self._proxy.joined(self)
        host, port = self._proxy.upstream
        loop = asyncio.get_running_loop()
        self._dialing = loop.create_task(self._connect(loop, host, port))

    async def _connect(self, loop: asyncio.AbstractEventLoop, host: str, port: int) -> None:
        try:
            await loop.create_connection(lambda: self._server, host, port)
        except OSError:
            self.client.close()

    def _flush(self) -> None:
        early, self._early = self._early, []
        for message in early:
            self._server.write(message)
        if self._client_gone:
            self._client_closed()

    def _send(self, message: bytes) -> None:
        if self._server.transport is None:
            self._early.append(message)
        else:
            self._server.write(message)

    def _from_client(self, data: bytes) -> None:
        self._requests += data
        for message in self._proxy.framing.split(self._requests):
            self._request(message)

    def _request(self, message: bytes) -> None:
        proxy = self._proxy
        trip, call, identifier = proxy.framing.describe(message)
        job = job_index(identifier)
        self._calls[trip] = (call, job)
        number, fault = proxy.calls.next(call) or (-1, None)
        how = fault.how if fault else None
        dark = proxy.dark()
        if dark is not None:
            number, how = dark, "lose_request"
        if how in ("lose_request", "reset"):
            proxy.struck(number, call_phase(call, False), job)
            if how == "reset":
                self.client.reset()
                self._server.close()
            return
        if how == "delay":
            assert fault is not None
            proxy.struck(number, call_phase(call, False), job, fault.delay_s)
            self._late += 1
            asyncio.get_running_loop().call_later(fault.delay_s, self._send_late, message)
            return
        if how == "lose_reply":
            self._lost_replies[trip] = number
        if how == "duplicate":
            proxy.struck(number, call_phase(call, True), job)
            self._send(message)
        self._send(message)

    def _send_late(self, message: bytes) -> None:
        self._send(message)
        self._late -= 1
        if self._client_gone:
            self._client_closed()

    def _from_server(self, data: bytes) -> None:
        self._replies += data
        for message in self._proxy.framing.split(self._replies):
            self._reply(message)

    def _reply(self, message: bytes) -> None:
        proxy = self._proxy
        trip, _, identifier = proxy.framing.describe(message)
        call, job = self._calls.pop(trip, ("", -1))
        number = self._lost_replies.pop(trip, None)
        if call == "lease" and identifier:
            job = job_index(identifier)
            if granted := proxy.calls.next("granted"):
                number = granted[0]
        if number is None and call:
            number = proxy.dark()
        if number is not None:
            proxy.struck(number, call_phase(call, True), job)
            return
        self.client.write(message)

    def _client_closed(self) -> None:
        """The client has gone; what it sent and what is merely late still arrives."""
        self._client_gone = True
        if self._late == 0 and not self._early:
            self._server.close()
        if self._server.transport is None:
            self._proxy.left(self)

    def close(self) -> None:
        self.client.close()
        self._server.close()
        self._proxy.left(self)
