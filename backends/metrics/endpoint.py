"""The smallest web server that Prometheus can scrape: one page, one answer per connection.

It runs in the event loop of whoever it reports on, so nothing a client does may matter to
others: a request has a length and a time, a page that is not read is thrown away, and of
too many connections the newest are turned away. It knows nothing of queues.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import NamedTuple

from ..adapter import Unavailable

LONGEST_REQUEST = 8192
PATIENCE_S = 5.0
MOST_CONNECTIONS = 16
PATH = "/metrics"
PLAIN = "text/plain; charset=utf-8"


class Page(NamedTuple):
    """An answer of HTTP: its status line, the body's type, the body."""

    status: str
    content_type: str
    body: bytes


NOT_HTTP = Page("400 Bad Request", PLAIN, b"expected a request of HTTP\n")
TOO_LONG = Page("431 Request Header Fields Too Large", PLAIN, b"expected a short request\n")
NOT_GET = Page("405 Method Not Allowed", PLAIN, b"expected GET; there is nothing to change\n")
NOT_HERE = Page("404 Not Found", PLAIN, b"the metrics are at /metrics\n")


class Endpoint:
    """Serves ``page()``, called in the event loop for each request, until :meth:`stop`."""

    def __init__(self, page: Callable[[], Page]) -> None:
        self._page = page
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()

    async def start(self, host: str, port: int) -> str:
        """Listen; returns the page's address. Raises Unavailable if the port cannot be had."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: Connection(self), host, port)
        except (OSError, UnicodeError) as error:  # the latter for what cannot be a host name
            number = getattr(error, "errno", 0) or 0
            reason = os.strerror(number) if number > 0 else str(error)
            raise Unavailable(
                f"expected to serve metrics on {host}:{port}, found: {reason}; "
                "choose another --metrics-host or --metrics-port, port 0 for any free one"
            ) from error
        address = self._server.sockets[0].getsockname()
        shown = f"[{address[0]}]" if ":" in address[0] else address[0]
        return f"http://{shown}:{address[1]}{PATH}"

    async def stop(self) -> None:
        if self._server:
            self._server.close()
        for connection in list(self._connections):
            connection.abort()
        if self._server:
            await self._server.wait_closed()

    def joined(self, connection: Connection) -> bool:
        """Whether there is room for one more."""
        self._connections.add(connection)
        return len(self._connections) <= MOST_CONNECTIONS

    def left(self, connection: Connection) -> None:
        self._connections.discard(connection)

    def answer(self, head: bytes) -> Page:
        """What to say to a request with this head."""
        method, _, rest = head.split(b"\r\n", 1)[0].partition(b" ")
        target, _, version = rest.partition(b" ")
        if not version.startswith(b"HTTP/1."):
            return NOT_HTTP
        if target.partition(b"?")[0] != PATH.encode():
            return NOT_HERE
        return self._page() if method == b"GET" else NOT_GET


class Connection(asyncio.Protocol):
    """One request, one answer, and the end; in :data:`PATIENCE_S` seconds at most."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._head = bytearray()
        self._answered = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._timer = asyncio.get_running_loop().call_later(PATIENCE_S, transport.abort)
        if not self._endpoint.joined(self):
            transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._answered:
            return
        self._head += data
        head, end, _ = self._head.partition(b"\r\n\r\n")
        if len(head) > LONGEST_REQUEST:
            self._reply(TOO_LONG)
        elif end:
            self._reply(self._endpoint.answer(bytes(head)))

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        self._endpoint.left(self)

    def abort(self) -> None:
        self._transport.abort()

    def _reply(self, page: Page) -> None:
        self._answered = True
        head = (
            f"HTTP/1.1 {page.status}\r\nContent-Type: {page.content_type}\r\n"
            f"Content-Length: {len(page.body)}\r\nConnection: close\r\n\r\n"
        )
        self._transport.write(head.encode() + page.body)
        self._transport.close()
