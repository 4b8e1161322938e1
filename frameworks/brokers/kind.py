"""Which kinds of server a broker can be, and what a run puts in the place of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ...errors import UsageError
from ...servers.postgres import DATABASE, USER
from ..inside.libpq import PLAIN
from .redis import shown


class Kind(NamedTuple):
    """``server``: what serves it (:mod:`...servers`). ``login``: as whom a process comes there."""

    server: str
    schemes: tuple[str, ...]
    port: int
    login: Mapping[str, Any]

    def speaks(self, url: str) -> bool:
        return urlsplit(url).scheme in self.schemes

    def place(self, url: str) -> tuple[str, int]:
        """The host and the port that the URL names."""
        parts = urlsplit(url)
        return parts.hostname or "localhost", parts.port or self.port


REDIS = Kind(
    "redis",
    ("redis", "rediss"),
    6379,
    {"username": None, "password": None, "credential_provider": None},
)
POSTGRES = Kind(
    "postgres", ("postgresql", "postgres"), 5432, {"user": USER, "dbname": DATABASE, **PLAIN}
)
RABBITMQ = Kind(
    "rabbitmq",
    ("amqp", "pyamqp", "amqps"),
    5672,
    {"userid": "guest", "password": "guest", "virtual_host": "/"},
)
KINDS = (REDIS, POSTGRES, RABBITMQ)


def kind_of(url: str) -> Kind:
    """The kind of server that a broker's URL names. Raises :class:`UsageError`."""
    for kind in KINDS:
        if kind.speaks(url):
            return kind
    raise UsageError(
        "expected a broker at redis://HOST:PORT/DATABASE, postgresql://HOST:PORT/DATABASE or "
        f"amqp://HOST:PORT/VHOST, found {shown(url)!r}; jobquake puts a server and a network of "
        "its own in that place, and knows no other way yet"
    )
