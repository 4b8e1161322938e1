"""Where a server comes from: this machine, a URL, or a Docker image, as the environment says.

``JOBQUAKE_REDIS`` and ``JOBQUAKE_POSTGRES`` hold a URL (a server of somebody else, in
which each run keeps to a store of its own name) or ``docker:IMAGE`` (a container of
ours). Without them the programs installed here are used. Nothing here talks to a server.
"""

from __future__ import annotations

import os
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from ..errors import EnvironmentFault

SCHEMES = {"redis": ("redis", "rediss", "unix"), "postgres": ("postgresql", "postgres")}
DOCKER = "docker:"


class MissingServer(EnvironmentFault):
    """The server cannot be had here. The message says how to get it."""


class Installed(NamedTuple):
    """The program installed on this machine."""


class Foreign(NamedTuple):
    """Somebody else's server: never started, never killed, never emptied by us."""

    url: str


class Image(NamedTuple):
    """A Docker image that a container of ours is made from."""

    name: str


Source = Installed | Foreign | Image


def variable(kind: str) -> str:
    return f"JOBQUAKE_{kind.upper()}"


def source(kind: str) -> Source:
    """What the environment says about ``kind`` (redis, postgres).

    Raises :class:`MissingServer` if it makes no sense.
    """
    given = os.environ.get(variable(kind), "")
    if not given:
        return Installed()
    if given.startswith(DOCKER) and len(given) > len(DOCKER):
        return Image(given.removeprefix(DOCKER))
    if given.partition("://")[0] in SCHEMES[kind]:
        return Foreign(given)
    raise MissingServer(
        f"expected {variable(kind)} to be {SCHEMES[kind][0]}://HOST:PORT/DATABASE or docker:IMAGE, "
        f"found {shown(given)!r}; correct it, or unset it to use the program installed here"
    )


def shown(url: str) -> str:
    """The URL as it may stand in a message: without its password."""
    try:
        parts = urlsplit(url)
        user, at, host = parts.netloc.rpartition("@")
    except ValueError:
        return url.partition("://")[0] + "://..."
    if not at or ":" not in user:
        return url
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}:...@{host}"))
