"""Proxies and toxics from and to JSON, with Toxiproxy's names, defaults and complaints."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from typing import Any

from ..errors import ProtocolError
from . import go_json
from .applied import Applied, Direction
from .go_syntax import JSONError
from .proxy import Proxy
from .toxics import KINDS
from .toxics.toxic import Toxic

# Fields by the places that Go's errors give them.
PROXY = {
    "Proxy.name": "string",
    "Proxy.listen": "string",
    "Proxy.upstream": "string",
    "Proxy.enabled": "bool",
}
LISTED = {
    ".Proxy.name": "string",
    ".Proxy.listen": "string",
    ".Proxy.upstream": "string",
    ".enabled": "bool",
}
TOXIC = {
    "ToxicWrapper.attributes": "any",
    "ToxicWrapper.name": "string",
    "ToxicWrapper.type": "string",
    "ToxicWrapper.stream": "string",
    "ToxicWrapper.toxicity": "float32",
}
CHANGE = {".attributes": "any", ".toxicity": "float32"}
# What Go calls the shapes, in its errors:
GO_PROXY = "value of type toxiproxy.Proxy"
GO_TOXIC = "value of type toxics.ToxicWrapper"
GO_ATTRIBUTES = "struct field ToxicWrapper.attributes of type toxics.NoopToxic"
GO_LISTED = 'struct { toxiproxy.Proxy; Enabled *bool "json:\\"enabled\\"" }'
GO_UPDATE = (
    'value of type struct { Attributes interface {} "json:\\"attributes\\""; '
    'Toxicity float32 "json:\\"toxicity\\"" }'
)


class APIError(ProtocolError):
    """What an answer other than success says; the message is Toxiproxy's."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.message, self.status = message, status


def proxy_json(proxy: Proxy) -> dict[str, Any]:
    """The empty Logger is Toxiproxy's own; clients have come to see it."""
    return {
        "name": proxy.name,
        "listen": proxy.listen,
        "upstream": proxy.upstream,
        "enabled": proxy.enabled,
        "Logger": {},
        "toxics": [toxic_json(toxic) for toxic in proxy.toxics],
    }


def toxic_json(applied: Applied) -> dict[str, Any]:
    return {
        "attributes": asdict(applied.toxic),
        "name": applied.name,
        "type": applied.type,
        "stream": applied.stream,
        "toxicity": applied.toxicity,
    }


def make_toxic(value: Any, proxy: Proxy) -> Applied:
    """A toxic from its JSON, ready for ``proxy.add_toxic``. Raises APIError and JSONError."""
    given = go_json.fields(value, TOXIC, GO_TOXIC)
    attributes = given.get("attributes")
    go_json.fields(attributes, {}, GO_ATTRIBUTES)
    stream = given.get("stream", "downstream")
    if stream.lower() not in ("upstream", "downstream"):
        raise APIError("stream was invalid, can be either upstream or downstream", 400)
    kind_name = given.get("type", "")
    name = given.get("name") or f"{kind_name}_{stream}"
    kind = KINDS.get(kind_name)
    if kind is None:
        raise APIError("invalid toxic type", 400)
    if proxy.toxic(name):
        raise APIError("toxic already exists", 409)
    return Applied(
        name=name,
        type=kind_name,
        kind=kind,
        stream=stream,
        direction=Direction(stream.lower()),
        toxicity=given.get("toxicity", 1.0),
        toxic=_with_attributes(kind.make(), attributes, "ToxicWrapper"),
    )


def populate_fields(value: Any) -> list[dict[str, Any]]:
    """The list of proxies that /populate and a configuration hold, all checked beforehand."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise JSONError(f"{go_json.refusal(value)} value of type []{GO_LISTED}")
    found = [go_json.fields(item, LISTED, f"value of type {GO_LISTED}") for item in value]
    for number, given in enumerate(found, start=1):
        require(given, f" at proxy {number}")
    return found


def proxy_fields(value: Any) -> dict[str, Any]:
    """Those fields of a proxy that the JSON has. Raises JSONError."""
    return go_json.fields(value, PROXY, GO_PROXY)


def change_toxic(applied: Applied, value: Any) -> None:
    """Take over the attributes and the toxicity that the JSON has. Raises JSONError."""
    given = go_json.fields(value, CHANGE, GO_UPDATE)
    applied.toxic = _with_attributes(applied.toxic, given.get("attributes"), "")
    applied.toxicity = given.get("toxicity", applied.toxicity)


def require(given: dict[str, Any], where: str = "") -> None:
    """A proxy has a name and an upstream, or this raises APIError."""
    for name in ("name", "upstream"):
        if not given.get(name):
            raise APIError(f"missing required field: {name}{where}", 400)


def _with_attributes(toxic: Toxic, attributes: Any, place: str) -> Toxic:
    """The toxic with these attributes, the others as they were. Raises JSONError."""
    name = type(toxic).__name__ + "Toxic"
    whole = f"struct field {place}.attributes of type toxics.{name}"
    types = {f"{name}.attributes.{field.name}": "int64" for field in fields(toxic)}
    return replace(toxic, **go_json.fields(attributes, types, whole))


def bad_body(error: JSONError) -> APIError:
    return APIError(f"bad request body: {error}", 400)
