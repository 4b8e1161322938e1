"""As much of HTTP/1.1 as an API needs: requests in, one answer each, connections kept alive.

Knows no route. A malformed request is answered with what is wrong and costs its sender the
connection; nobody else notices. Bodies and headers are bounded.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import partial
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

from ..errors import ProtocolError

MAX_HEAD = 64 * 1024
MAX_BODY = 16 * 1024 * 1024
IDLE_S = 75.0
LINGER_S = 0.5

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
REQUEST_LINE = re.compile(rb"(\S+) (\S+) HTTP/(\d)\.(\d)")
END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True)
class Request:
    """``path`` is decoded, ``query`` is as it came, header names are in lower case."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Response:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Awaitable[Response]]


class MalformedError(ProtocolError):
    def __init__(self, status: int = 400, reason: str = "") -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


@dataclass(frozen=True)
class _Head:
    request: Request
    version: str
    length: int | None  # None: chunked
    keep_alive: bool


class Connection(asyncio.Protocol):
    """One client. Requests are handled one after the other, in the order they came."""

    def __init__(
        self, handler: Handler, closed: Callable[[Connection], None] = lambda connection: None
    ) -> None:
        self._handler, self._closed = handler, closed
        self._buffer = bytearray()
        self._head: _Head | None = None
        self._body = bytearray()
        self._answering: asyncio.Future[Response] | None = None
        self._refused = False
        self._idle: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._wait()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._buffer += data
        if len(self._buffer) > MAX_HEAD + MAX_BODY and self._transport:
            self._transport.pause_reading()
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._stop_waiting()
        self._closed(self)  # what was asked for is still carried out, in full

    def close(self) -> None:
        if self._transport:
            self._transport.abort()

    def _next(self) -> None:
        """Begin to answer the next request, if it is there in full."""
        if self._answering or not self._transport:
            return
        try:
            if self._head is None:
                self._head = self._take_head()
            if self._head is None or not self._take_body(self._head):
                return
        except MalformedError as error:
            self._refuse(error)
            return
        head, body = self._head, bytes(self._body)
        self._head, self._body = None, bytearray()
        self._stop_waiting()
        request = Request(
            head.request.method, head.request.path, head.request.query, head.request.headers, body
        )
        self._answering = asyncio.ensure_future(self._handler(request))
        self._answering.add_done_callback(partial(self._answer, head))

    def _answer(self, head: _Head, answering: asyncio.Future[Response]) -> None:
        self._answering = None
        if not self._transport or answering.cancelled():
            return
        if error := answering.exception():
            message = "a request could not be answered; its connection is closed"
            asyncio.get_running_loop().call_exception_handler(
                {"message": message, "exception": error}
            )
            self._transport.abort()
            return
        self._transport.write(_encode(answering.result(), head))
        if not head.keep_alive:
            self._transport.close()
            return
        self._transport.resume_reading()
        self._wait()
        self._next()

    # -- the head ---------------------------------------------------------------------------

    def _take_head(self) -> _Head | None:
        while self._buffer.startswith((b"\r\n", b"\n")):
            del self._buffer[: self._buffer.index(b"\n") + 1]
        end = END_OF_HEAD.search(self._buffer)
        if (end.start() if end else len(self._buffer)) > MAX_HEAD:
            raise MalformedError(431)
        if not end:
            return None
        lines = bytes(self._buffer[: end.start()]).replace(b"\r\n", b"\n").split(b"\n")
        del self._buffer[: end.end()]
        head = _parse_head(lines[0], _headers(lines[1:]))
        waits = head.request.headers.get("expect", "").lower() == "100-continue"
        if waits and self._transport:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return head

    # -- the body ---------------------------------------------------------------------------

    def _take_body(self, head: _Head) -> bool:
        if head.length is None:
            return self._take_chunks()
        if len(self._buffer) < head.length:
            return False
        self._body += self._buffer[: head.length]
        del self._buffer[: head.length]
        return True

    def _take_chunks(self) -> bool:
        while True:
            line_end = self._buffer.find(b"\n")
            if line_end < 0:
                if len(self._buffer) > MAX_HEAD:
                    raise MalformedError
                return False
            size_text = bytes(self._buffer[:line_end]).partition(b";")[0].strip()
            if not re.fullmatch(rb"[0-9A-Fa-f]{1,16}", size_text):
                raise MalformedError
            size = int(size_text, 16)
            if len(self._body) + size > MAX_BODY:
                raise MalformedError(413)
            if size == 0:
                return self._take_trailers(line_end + 1)
            start = line_end + 1
            after = self._buffer[start + size : start + size + 2]
            if not after or after == b"\r":
                return False
            if not after.startswith((b"\r\n", b"\n")):
                raise MalformedError
            self._body += self._buffer[start : start + size]
            del self._buffer[: start + size + (2 if after == b"\r\n" else 1)]

    def _take_trailers(self, start: int) -> bool:
        """Skip the lines behind the last chunk, up to an empty one."""
        while (line_end := self._buffer.find(b"\n", start)) >= 0:
            empty = not self._buffer[start:line_end].strip()
            start = line_end + 1
            if empty:
                del self._buffer[:start]
                return True
        if len(self._buffer) > MAX_HEAD:
            raise MalformedError(431)
        return False

    # -- the rest ---------------------------------------------------------------------------

    def _refuse(self, error: MalformedError) -> None:
        self._refused = True
        if self._transport:
            text = f"{error.status} {_phrase(error.status)}"
            text += f": {error.reason}" if error.reason else ""
            self._transport.write(
                f"HTTP/1.1 {text}\r\nContent-Type: text/plain; charset=utf-8\r\n"
                f"Connection: close\r\n\r\n{text}".encode()
            )
            # Closing at once would reset the connection, and the answer with it.
            self._transport.write_eof()
            self._stop_waiting()
            self._idle = asyncio.get_running_loop().call_later(LINGER_S, self.close)

    def _wait(self) -> None:
        self._stop_waiting()
        self._idle = asyncio.get_running_loop().call_later(IDLE_S, self.close)

    def _stop_waiting(self) -> None:
        if self._idle:
            self._idle.cancel()
            self._idle = None


def _parse_head(line: bytes, headers: dict[str, str]) -> _Head:
    matched = REQUEST_LINE.fullmatch(line)
    if not matched or not TOKEN.fullmatch(matched[1]):
        raise MalformedError
    method, target = matched[1].decode(), matched[2]
    version = f"{int(matched[3])}.{int(matched[4])}"
    if matched[3] != b"1":
        raise MalformedError(505, "unsupported protocol version")
    if version != "1.0" and "host" not in headers:
        raise MalformedError(400, "missing required Host header")
    if target.startswith((b"http://", b"https://")):
        target = b"/" + target.partition(b"://")[2].partition(b"/")[2]
    path, _, query = target.partition(b"?")
    if not path.startswith(b"/") or BAD_ESCAPE.search(path):
        raise MalformedError
    wish = headers.get("connection", "").lower()
    request = Request(
        method, unquote_to_bytes(path).decode("utf-8", "replace"), query.decode("latin-1"), headers
    )
    keep_alive = wish == "keep-alive" if version == "1.0" else wish != "close"
    return _Head(request, version, _body_length(headers), keep_alive)


def _headers(lines: list[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name.strip():
            raise MalformedError
        if not TOKEN.fullmatch(name):
            raise MalformedError(400, "invalid header name")
        key, text = name.decode().lower(), value.strip().decode("latin-1")
        if key in ("host", "content-length") and headers.get(key, text) != text:
            raise MalformedError
        headers[key] = text
    return headers


def _body_length(headers: dict[str, str]) -> int | None:
    if encoding := headers.get("transfer-encoding"):
        if encoding.lower() != "chunked":
            raise MalformedError(501, "unsupported transfer encoding")
        return None
    text = headers.get("content-length", "0")
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise MalformedError
    if int(text) > MAX_BODY:
        raise MalformedError(413)
    return int(text)


def _encode(response: Response, head: _Head) -> bytes:
    lines = [f"HTTP/{head.version} {response.status} {_phrase(response.status)}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    lines.append(f"Date: {formatdate(usegmt=True)}")
    if response.status != 204:
        lines.append(f"Content-Length: {len(response.body)}")
    if head.version == "1.0" and head.keep_alive:
        lines.append("Connection: keep-alive")
    elif head.version != "1.0" and not head.keep_alive:
        lines.append("Connection: close")
    body = b"" if head.request.method == "HEAD" else response.body
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase
