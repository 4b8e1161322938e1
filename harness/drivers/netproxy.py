"""The network between nodes and queue, as a TCP proxy that can misbehave on purpose.

Every connection of a run goes through it. It cuts the byte stream into the backend's
messages (``Framing``), counts round trips by kind of call, and strikes the ones that the
plan names: lose the request, lose the reply, delay, deliver twice, reset. Each node has a
port of its own, so a fault can cut off some of them or all, or slow them down, from a time
to a time. It runs an event loop in a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from ...backends.adapter import Framing
from ..events import Event, Phase
from ..ledger import Ledger
from ..plan import BrokerCrash, Plan, SlowNetwork, Window, job_index
from ..strikes import CallStrikes, call_phase, reaches

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class NetProxy:
    """Forwards free loopback ports to ``upstream`` (HOST:PORT). Start, later stop."""

    def __init__(self, upstream: str, framing: Framing, plan: Plan, ledger: Ledger) -> None:
        host, _, port = upstream.rpartition(":")
        self.upstream = (host, int(port))
        self.framing = framing
        self.calls = CallStrikes(plan)
        self.plan = plan
        self.started_at: float | None = None
        self._ledger = ledger
        self._windows = plan.windows()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="netproxy", daemon=True)
        self._links: set[_Link] = set()
        self._servers: list[asyncio.Server] = []

    def start(self, nodes: int) -> list[str]:
        """Listen; the address to give to each node, by its number."""
        self._thread.start()
        listening = self._listen(nodes)
        return asyncio.run_coroutine_threadsafe(listening, self._loop).result()

    def stop(self) -> None:
        """Close every connection and end the thread."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()

    def window(self, node: int) -> tuple[int, Window] | None:
        """The fault with a beginning and an end that meets that node's calls right now."""
        if self.started_at is None:
            return None
        now = time.monotonic() - self.started_at
        for number, fault in self._windows:
            # A crashed server speaks for itself: its connections are gone.
            if reaches(fault, node, now) and not isinstance(fault, BrokerCrash):
                return number, fault
        return None

    def struck(self, fault: int, node: int, phase: Phase, job: int, length_s: float = 0.0) -> None:
        self._ledger.write(
            Event.FAULT_STRUCK, node=node, phase=phase, job=job, fault=fault, value=length_s
        )

    def joined(self, link: _Link) -> None:
        self._links.add(link)

    def left(self, link: _Link) -> None:
        self._links.discard(link)

    async def _listen(self, nodes: int) -> list[str]:
        addresses = []
        for node in range(nodes):
            client_of = partial(_client_end, self, node)
            server = await self._loop.create_server(client_of, "127.0.0.1", 0)
            self._servers.append(server)
            host, port = server.sockets[0].getsockname()[:2]
            addresses.append(f"{host}:{port}")
        return addresses

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
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

    def __init__(self, proxy: NetProxy, node: int) -> None:
        self._proxy = proxy
        self._node = node
        self.client = _End(self._dial, self._from_client, self._client_closed)
        self._server = _End(self._flush, self._from_server, self.close)
        self._requests, self._replies = bytearray(), bytearray()
        self._early: list[bytes] = []
        self._calls: dict[int, tuple[str, int]] = {}
        self._lost_replies: dict[int, int] = {}
        self._late = 0
        self._send_at = self._reply_at = 0.0
        self._deaf = False
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
        request = self._request if self._proxy.framing.numbered else self._ordered_request
        for message in self._proxy.framing.split(self._requests):
            request(message)

    def _ordered_request(self, message: bytes) -> None:
        """A request whose answer is known by its place alone: what is lost ends the talk."""
        proxy = self._proxy
        if self._deaf:
            return
        _, call, identifier = proxy.framing.describe(message)
        number, fault = proxy.calls.next(call) or (-1, None)
        if call == "lease" and (granted := proxy.calls.next("granted")):
            number, fault = granted
        how, late_s = (fault.how, fault.delay_s) if fault else ("", 0.0)
        if open_now := proxy.window(self._node):
            number, window = open_now
            how, late_s = "lose_request", 0.0
            if isinstance(window, SlowNetwork):
                how, late_s = "delay", window.latency_s
        if call and how in ("lose_request", "lose_reply", "delay", "reset"):
            arrives = how == "lose_reply"
            self._struck(number, call_phase(call, arrives), job_index(identifier), late_s)
        if how == "reset":
            self.client.reset()
            self._server.close()
            return
        self._deaf = how in ("lose_request", "lose_reply")
        if how != "lose_request":
            self._send_in_order(message, late_s)

    def _send_in_order(self, message: bytes, late_s: float) -> None:
        """Send it ``late_s`` seconds from now, and not before what was sent before it."""
        loop = asyncio.get_running_loop()
        at = self._send_at = max(self._send_at, loop.time() + late_s)
        if at <= loop.time():
            self._send(message)
            return
        self._late += 1
        loop.call_at(at, self._send_late, message)

    def _request(self, message: bytes) -> None:
        proxy = self._proxy
        trip, call, identifier = proxy.framing.describe(message)
        job = job_index(identifier)
        self._calls[trip] = (call, job)
        number, fault = proxy.calls.next(call) or (-1, None)
        how, late_s = (fault.how, fault.delay_s) if fault else (None, 0.0)
        if open_now := proxy.window(self._node):
            number, window = open_now
            how = "lose_request"
            if isinstance(window, SlowNetwork):
                how, late_s = "delay", window.latency_s
        if how in ("lose_request", "reset"):
            self._struck(number, call_phase(call, False), job)
            if how == "reset":
                self.client.reset()
                self._server.close()
            return
        if how == "delay":
            self._struck(number, call_phase(call, False), job, late_s)
            self._late += 1
            asyncio.get_running_loop().call_later(late_s, self._send_late, message)
            return
        if how == "lose_reply":
            self._lost_replies[trip] = number
        if how == "duplicate":
            self._struck(number, call_phase(call, True), job)
            self._send(message)
        self._send(message)

    def _struck(self, fault: int, phase: Phase, job: int, length_s: float = 0.0) -> None:
        self._proxy.struck(fault, self._node, phase, job, length_s)

    def _send_late(self, message: bytes) -> None:
        self._send(message)
        self._late -= 1
        if self._client_gone:
            self._client_closed()

    def _from_server(self, data: bytes) -> None:
        if not self._proxy.framing.numbered:
            self._ordered_reply(data)
            return
        self._replies += data
        for message in self._proxy.framing.split(self._replies):
            self._reply(message)

    def _ordered_reply(self, data: bytes) -> None:
        open_now = self._proxy.window(self._node)
        if open_now and not isinstance(open_now[1], SlowNetwork):
            self._deaf = True
        if self._deaf:
            return
        late_s = open_now[1].latency_s if open_now and isinstance(open_now[1], SlowNetwork) else 0
        loop = asyncio.get_running_loop()
        at = self._reply_at = max(self._reply_at, loop.time() + late_s)
        if at <= loop.time():
            self.client.write(data)
        else:
            loop.call_at(at, self.client.write, data)

    def _reply(self, message: bytes) -> None:
        proxy = self._proxy
        trip, _, identifier = proxy.framing.describe(message)
        call, job = self._calls.pop(trip, ("", -1))
        number = self._lost_replies.pop(trip, None)
        if call == "lease" and identifier:
            job = job_index(identifier)
            if granted := proxy.calls.next("granted"):
                number = granted[0]
        if number is None and call and (open_now := proxy.window(self._node)):
            if isinstance(open_now[1], SlowNetwork):
                loop = asyncio.get_running_loop()
                loop.call_later(open_now[1].latency_s, self.client.write, message)
                return
            number = open_now[0]
        if number is not None:
            self._struck(number, call_phase(call, True), job)
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


def _client_end(proxy: NetProxy, node: int) -> _End:
    return _Link(proxy, node).client
