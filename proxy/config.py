"""Proxies with their toxics from one JSON list: all of them, or none.

The list is Toxiproxy's configuration, in which ``toxics`` are honoured, too. A toxic is in
place before its proxy accepts the first connection.
"""

from __future__ import annotations

from typing import Any

from . import go_json
from .proxy import Proxy
from .server import ProxyExistsError, Server
from .shapes import APIError, make_toxic, populate_fields


async def populate(server: Server, value: Any) -> list[Proxy]:
    """Add the proxies of the decoded list. Raises APIError, JSONError and AddressError.

    If it raises, the server is as it was.
    """
    added: list[Proxy] = []
    listed = populate_fields(value)
    made = [_made(server, item, given) for item, given in zip(value or (), listed, strict=True)]
    try:
        for proxy, enabled in made:
            await server.add(proxy, enabled)
            added.append(proxy)
    except BaseException as error:
        for proxy in added:
            server.remove(proxy.name)
        if isinstance(error, ProxyExistsError):
            raise APIError(f"proxy already exists: {error}", 409) from error
        raise
    return added


def _made(server: Server, item: Any, given: dict[str, Any]) -> tuple[Proxy, bool]:
    proxy = server.make(given["name"], given.get("listen", ""), given["upstream"])
    toxics = go_json.fields(item, {"toxics": "any"}, "").get("toxics", [])
    if not isinstance(toxics, list):
        raise APIError(f"the toxics of {proxy.name} are not a list", 400)
    for toxic in toxics:
        proxy.add_toxic(make_toxic(toxic, proxy))
    return proxy, given.get("enabled", True)
