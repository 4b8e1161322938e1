"""The routes of our own, beside Toxiproxy's: triggers and recorded round trips over HTTP.

Toxiproxy answers them with 404; ``GET /jobquake`` tells one from the other. Errors look as
Toxiproxy's do: ``{"error": MESSAGE, "status": N}``.

    GET    /jobquake                          200  {"version": ..., "seed": N}
    POST   /jobquake/populate                 201  proxies with their toxics, all or none:
                                                   the list of /populate, in which each proxy
                                                   may have "toxics"; nothing is replaced
    GET    /jobquake/proxies/P/triggers       200  [{..., "struck": N}], in order
    POST   /jobquake/proxies/P/triggers       201  sets one; see ``triggers.Trigger``
    DELETE /jobquake/proxies/P/triggers       204  removes all
    DELETE /jobquake/proxies/P/triggers/T     204  removes one
    POST   /jobquake/proxies/P/round_trips    204  begins to record, or begins anew
    GET    /jobquake/proxies/P/round_trips    200  [{"connection": 1, "number": 1, ...}];
                                                   see ``watch.RoundTrip``
    DELETE /jobquake/proxies/P/round_trips    204  stops recording, forgets

Lose the replies to the first two requests of every connection, then recover:

    {"action": "lose_reply", "nth": 1, "through": 2, "then_reset": true}

``POST /reset`` removes triggers, too.
"""

from __future__ import annotations

from typing import Any

import msgspec

from . import go_json
from .api import JSON, Route
from .config import populate
from .http import Request, Response
from .server import Server
from .shapes import APIError, proxy_json
from .triggers import Armed, Trigger
from .watch import TriggerError, Watch


class Extension:
    """Its ``routes`` are given to the API."""

    def __init__(self, server: Server, version: str) -> None:
        self._server = server
        self._version = version
        proxy = r"/jobquake/proxies/([^/]+)"
        self.routes = (
            Route(("GET",), "/jobquake", self._about),
            Route(("POST",), "/jobquake/populate", self._populate),
            Route(("GET",), f"{proxy}/triggers", self._list_triggers),
            Route(("POST",), f"{proxy}/triggers", self._set_trigger),
            Route(("DELETE",), f"{proxy}/triggers", self._remove_triggers),
            Route(("DELETE",), f"{proxy}/triggers/([^/]+)", self._remove_trigger),
            Route(("POST",), f"{proxy}/round_trips", self._record),
            Route(("GET",), f"{proxy}/round_trips", self._list_round_trips),
            Route(("DELETE",), f"{proxy}/round_trips", self._forget),
        )

    async def _about(self, request: Request) -> Response:
        return _json(200, {"version": self._version, "seed": self._server.seed})

    async def _populate(self, request: Request) -> Response:
        proxies = await populate(self._server, go_json.decode(request.body))
        body = go_json.encode({"proxies": [proxy_json(proxy) for proxy in proxies]})
        return Response(201, body, dict(JSON))

    async def _list_triggers(self, request: Request, name: str) -> Response:
        return _json(200, [_told(armed) for armed in self._watch(name).armed])

    async def _set_trigger(self, request: Request, name: str) -> Response:
        watch = self._watch(name)
        try:
            armed = watch.arm(msgspec.json.decode(request.body, type=Trigger))
        except (msgspec.DecodeError, TriggerError) as error:
            raise APIError(f"bad trigger: {error}", 400) from error
        return _json(201, _told(armed))

    async def _remove_triggers(self, request: Request, name: str) -> Response:
        self._watch(name).disarm_all()
        return Response(204)

    async def _remove_trigger(self, request: Request, name: str, trigger: str) -> Response:
        try:
            self._watch(name).disarm(trigger)
        except KeyError as error:
            raise APIError("trigger not found", 404) from error
        return Response(204)

    async def _record(self, request: Request, name: str) -> Response:
        try:
            self._watch(name).record()
        except TriggerError as error:
            raise APIError(str(error), 409) from error
        return Response(204)

    async def _list_round_trips(self, request: Request, name: str) -> Response:
        return _json(200, self._watch(name).round_trips)

    async def _forget(self, request: Request, name: str) -> Response:
        self._watch(name).forget()
        return Response(204)

    def _watch(self, name: str) -> Watch:
        try:
            return self._server.watch(name)
        except KeyError as error:
            raise APIError("proxy not found", 404) from error


def _told(armed: Armed) -> dict[str, Any]:
    return {**msgspec.structs.asdict(armed.trigger), "struck": armed.struck}


def _json(status: int, value: Any) -> Response:
    return Response(status, msgspec.json.encode(value), dict(JSON))
