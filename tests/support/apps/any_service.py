"""A service that says yes to everything: ``python any_service.py PORT``."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Yes(BaseHTTPRequestHandler):
    """Whatever the method, the body is read and the answer is 200."""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = do_PUT = _answer  # noqa: N815 (http.server calls them so)


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Yes).serve_forever()
