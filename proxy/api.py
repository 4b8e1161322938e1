"""Toxiproxy's HTTP API: its routes, status codes, bodies and errors, byte for byte.

Thin: it turns requests into calls on the server and what comes of them into answers. See
``extension`` for the routes of our own.
"""

from __future__ import annotations

import asyncio
import base64
import os
import posixpath
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from . import go_json
from .address import AddressError
from .applied import Applied
from .go_syntax import JSONError
from .http import Request, Response
from .proxy import Proxy
from .server import ProxyExistsError, Server
from .shapes import (
    APIError,
    bad_body,
    change_toxic,
    make_toxic,
    populate_fields,
    proxy_fields,
    proxy_json,
    require,
    toxic_json,
)

VERSION = "2.12.0"
JSON = {"Content-Type": "application/json"}
TEXT = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
Action = Callable[..., Awaitable[Response]]


@dataclass(frozen=True)
class Route:
    """``pattern`` matches the whole path; its groups are the action's arguments."""

    methods: tuple[str, ...]
    pattern: str
    action: Action


class API:
    """A handler of requests. ``more``: routes to have besides Toxiproxy's."""

    def __init__(self, server: Server, more: tuple[Route, ...] = ()) -> None:
        self._server = server
        self._changing = asyncio.Lock()
        proxy = r"/proxies/([^/]+)"
        toxics, toxic = proxy + "/toxics", proxy + "/toxics/([^/]+)"
        any_method = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
        self._routes = [
            Route(("POST",), "/reset", self._reset),
            Route(("GET",), "/proxies", self._list_proxies),
            Route(("POST",), "/proxies", self._create_proxy),
            Route(("POST",), "/populate", self._populate),
            Route(("GET",), proxy, self._show_proxy),
            Route(("POST", "PATCH"), proxy, self._update_proxy),
            Route(("DELETE",), proxy, self._delete_proxy),
            Route(("GET",), toxics, self._list_toxics),
            Route(("POST",), toxics, self._create_toxic),
            Route(("GET",), toxic, self._show_toxic),
            Route(("POST", "PATCH"), toxic, self._update_toxic),
            Route(("DELETE",), toxic, self._delete_toxic),
            Route(("GET",), "/version", self._version),
            *more,
        ]
        if server.metrics:
            self._routes.append(Route(any_method, "/metrics", self._metrics))

    async def __call__(self, request: Request) -> Response:
        clean = _clean(request.path)
        if clean != request.path:
            query = f"?{request.query}" if request.query else ""
            return Response(301, headers={"Location": quote(clean) + query})
        matches = [(r, m) for r in self._routes if (m := re.fullmatch(r.pattern, request.path))]
        if not matches:
            return Response(404, b"404 page not found\n", TEXT)
        for route, match in matches:
            if request.method in route.methods:
                response = await self._act(route, match.groups(), request)
                response.headers["X-Toxiproxy-Request-Id"] = _request_id()
                return response
        return Response(405)

    async def _act(self, route: Route, names: tuple[str, ...], request: Request) -> Response:
        if request.headers.get("user-agent", "").startswith("Mozilla/"):
            return Response(403, b"User agent not allowed\n", dict(TEXT))
        try:
            if request.method == "GET":
                return await route.action(request, *names)
            async with self._changing:  # changes wait for each other: some look up names
                return await route.action(request, *names)
        except APIError as error:
            return _error(error)
        except JSONError as error:
            return _error(bad_body(error))
        except AddressError as error:
            return _error(APIError(str(error), 500))

    # -- the server -------------------------------------------------------------------------

    async def _version(self, request: Request) -> Response:
        body = b'{"version": "%s"}\n' % VERSION.encode()
        return Response(200, body, {"Content-Type": "application/json;charset=utf-8"})

    async def _metrics(self, request: Request) -> Response:
        assert self._server.metrics
        kind = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
        return Response(200, self._server.metrics.text().encode(), {"Content-Type": kind})

    async def _reset(self, request: Request) -> Response:
        await self._server.reset()
        return Response(204)

    # -- proxies ----------------------------------------------------------------------------

    async def _list_proxies(self, request: Request) -> Response:
        proxies = self._server.proxies
        return _json(200, {name: proxy_json(proxy) for name, proxy in proxies.items()})

    async def _create_proxy(self, request: Request) -> Response:
        given = proxy_fields(go_json.decode(request.body))
        require(given)
        proxy = self._server.make(given["name"], given.get("listen", ""), given["upstream"])
        try:
            await self._server.add(proxy, given.get("enabled", True))
        except ProxyExistsError as error:
            raise APIError("proxy already exists", 409) from error
        return _json(201, proxy_json(proxy))

    async def _populate(self, request: Request) -> Response:
        done: list[Proxy] = []
        answer: dict[str, Any] = {}
        status = 201
        try:
            for given in populate_fields(go_json.decode(request.body)):
                proxy = self._server.make(given["name"], given.get("listen", ""), given["upstream"])
                enabled = given.get("enabled", True)
                done.append(await self._server.add_or_replace(proxy, enabled))
        except (APIError, AddressError, JSONError) as error:
            told = error if isinstance(error, APIError) else APIError(str(error), 500)
            if isinstance(error, JSONError):
                told = bad_body(error)
            answer, status = {"error": told.message, "status": told.status}, told.status
        answer["proxies"] = [proxy_json(proxy) for proxy in done] or None
        return _json(status, answer)

    async def _show_proxy(self, request: Request, name: str) -> Response:
        return _json(200, proxy_json(self._proxy(name)))

    async def _update_proxy(self, request: Request, name: str) -> Response:
        proxy = self._proxy(name)
        given = proxy_fields(go_json.decode(request.body))
        await proxy.update(
            given.get("listen", proxy.listen),
            given.get("upstream", proxy.upstream),
            given.get("enabled", proxy.enabled),
        )
        return _json(200, proxy_json(proxy))

    async def _delete_proxy(self, request: Request, name: str) -> Response:
        self._proxy(name)
        self._server.remove(name)
        return Response(204)

    # -- toxics -----------------------------------------------------------------------------

    async def _list_toxics(self, request: Request, name: str) -> Response:
        return _json(200, [toxic_json(toxic) for toxic in self._proxy(name).toxics])

    async def _create_toxic(self, request: Request, name: str) -> Response:
        proxy = self._proxy(name)
        applied = make_toxic(go_json.decode(request.body), proxy)
        proxy.add_toxic(applied)
        return _json(200, toxic_json(applied))

    async def _show_toxic(self, request: Request, name: str, toxic: str) -> Response:
        return _json(200, toxic_json(self._toxic(self._proxy(name), toxic)))

    async def _update_toxic(self, request: Request, name: str, toxic: str) -> Response:
        proxy = self._proxy(name)
        applied = self._toxic(proxy, toxic)
        change_toxic(applied, go_json.decode(request.body))
        proxy.toxic_changed(applied)
        return _json(200, toxic_json(applied))

    async def _delete_toxic(self, request: Request, name: str, toxic: str) -> Response:
        proxy = self._proxy(name)
        proxy.remove_toxic(self._toxic(proxy, toxic))
        return Response(204)

    def _proxy(self, name: str) -> Proxy:
        try:
            return self._server.proxies[name]
        except KeyError as error:
            raise APIError("proxy not found", 404) from error

    def _toxic(self, proxy: Proxy, name: str) -> Applied:
        if applied := proxy.toxic(name):
            return applied
        raise APIError("toxic not found", 404)


def _json(status: int, value: Any) -> Response:
    return Response(status, go_json.encode(value), dict(JSON))


def _error(error: APIError) -> Response:
    body = go_json.encode({"error": error.message, "status": error.status}) + b"\n"
    return Response(error.status, body, dict(TEXT))


def _clean(path: str) -> str:
    clean = "/" + posixpath.normpath(path).lstrip("/")
    return clean + "/" if path.endswith("/") and clean != "/" else clean


def _request_id() -> str:
    return base64.b32hexencode(os.urandom(15))[:20].decode().lower()
