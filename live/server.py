"""Serves one live page on the loopback, from a thread, until the work has ended.

Any page that a browser has open could ask this server for something, too. So a request has to name
this server as its host, which keeps out whoever points a name of theirs at the loopback; and the
one thing that changes anything, the button that ends the work, takes a word that only the page
itself knows, from no other origin. It knows nothing of what the work is.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import ClassVar
from urllib.parse import parse_qs

from ..backends.metrics.endpoint import Page
from ..errors import EnvironmentFault, JobquakeError
from .page import EVERY_S, Stage, exposition, page
from .seen import Look

HOST = "127.0.0.1"
HTML, PLAIN = "text/html; charset=utf-8", "text/plain; charset=utf-8"
METRICS = "text/plain; version=0.0.4; charset=utf-8"
LONGEST_WORD = 512
PATIENCE_S = 5.0
LINGER_S = 2.5 * EVERY_S
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Live:
    """The page of one piece of work. ``address`` is where it is served."""

    def __init__(self, look: Look, port: int) -> None:
        self.look, self._lock = look, Lock()
        self._token, self._stop = secrets.token_urlsafe(24), Event()
        self._ended, self._told = Event(), Event()
        self._asked = False
        handler = type("Handler", (_Handler,), {"live": self})
        try:
            self._server = ThreadingHTTPServer((HOST, port), handler)
        except OSError as error:
            raise EnvironmentFault(
                f"expected to serve the page on {HOST}:{port}, found: "
                f"{os.strerror(error.errno or 0)}; choose another --ui-port, 0 for any free one"
            ) from error
        self._port = self._server.server_port
        self.address = f"http://{HOST}:{self._port}/"
        self.hosts = {f"{name}:{self._port}" for name in (HOST, "localhost")}

    @property
    def stage(self) -> Stage:
        if self._ended.is_set():
            return "ended"
        return "stopping" if self._stop.is_set() else "running"

    def stopped(self) -> bool:
        """Whether somebody has pressed the button."""
        return self._stop.is_set()

    def press(self, token: str) -> bool:
        """End the work, if that is the page's own word; whether it is."""
        known = hmac.compare_digest(token.encode(), self._token.encode())
        if known:
            self._stop.set()
        return known

    def html(self) -> Page:
        stage = self.stage
        with self._lock:  # the folder is read by one at a time
            text = page(self.look(), stage, self._token)
        self._asked = True
        if stage == "ended":
            self._told.set()
        return Page("200 OK", HTML, text.encode())

    def metrics(self) -> Page:
        with self._lock:
            text = exposition(self.look().numbers)
        return Page("200 OK", METRICS, text.encode())

    def kept(self, number: str) -> Page | None:
        """The kept page of that finding of those on the page, if it has one."""
        with self._lock:
            places = [one.page for one in self.look().found]
        if not number.isascii() or not number.isdigit() or int(number) >= len(places):
            return None
        place = places[int(number)]
        return Page("200 OK", HTML, place.read_bytes()) if place and place.is_file() else None

    def begin(self) -> None:
        Thread(target=self._server.serve_forever, name="live page", daemon=True).start()

    def end(self, linger: bool) -> None:
        """Tell whoever looks on that it is over, then close."""
        self._ended.set()
        if linger and self._asked:
            self._told.wait(LINGER_S)
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def served(look: Look, port: int = 0) -> Iterator[Live]:
    """Serve the page of what ``look()`` tells until the end of the block.

    Raises :class:`EnvironmentFault` if the port cannot be had.
    """
    live = Live(look, port)
    live.begin()
    linger = False
    try:
        yield live
        linger = True
    finally:
        live.end(linger)


class _Handler(BaseHTTPRequestHandler):
    live: ClassVar[Live]
    timeout = PATIENCE_S
    server_version, sys_version = "jobquake", ""

    def do_GET(self) -> None:
        if not self._at_home():
            return
        path = self.path.partition("?")[0]
        try:
            answer: Page | None
            match path.split("/")[1:]:
                case [""]:
                    answer = self.live.html()
                case ["metrics"]:
                    answer = self.live.metrics()
                case ["found", number]:
                    answer = self.live.kept(number)
                case _:
                    answer = None
        except (JobquakeError, OSError) as error:
            answer = Page("503 Service Unavailable", PLAIN, f"{error}\n".encode())
        self._answer(answer or Page("404 Not Found", PLAIN, b"expected /, /metrics or /found/N\n"))

    def do_POST(self) -> None:
        if not self._at_home():
            return
        size = self.headers.get("Content-Length", "")
        if self.path != "/stop" or not size.isdigit() or int(size) > LONGEST_WORD:
            self._refuse(HTTPStatus.BAD_REQUEST, "expected the button of the page")
            return
        said = parse_qs(self.rfile.read(int(size)).decode("ascii", "replace"))
        origin = self.headers.get("Origin")
        foreign = origin is not None and origin.removeprefix("http://") not in self.live.hosts
        if foreign or not self.live.press(said.get("token", [""])[0]):
            self._refuse(HTTPStatus.FORBIDDEN, "expected the button of the page, found another's")
            return
        self.send_response(HTTPStatus.SEE_OTHER)
        self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """The terminal belongs to the work."""

    def _at_home(self) -> bool:
        hosts = self.headers.get_all("Host", [])
        if len(hosts) == 1 and hosts[0] in self.live.hosts:
            return True
        self._refuse(HTTPStatus.MISDIRECTED_REQUEST, f"expected the host of {self.live.address}")
        return False

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self._answer(Page(f"{status.value} {status.phrase}", PLAIN, f"{why}\n".encode()))

    def _answer(self, answer: Page) -> None:
        status, _, phrase = answer.status.partition(" ")
        self.send_response(int(status), phrase)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)
