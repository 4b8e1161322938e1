"""One proxy: a listener, the server it forwards to, the toxics on it, and its connections.

Knows no HTTP and no other proxy. Everything runs on the event loop's thread and is done
when the call returns.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol

from ..errors import ProtocolError
from . import address
from .applied import Applied, Direction
from .link import Link
from .tap import Tap

TapFactory = Callable[[Link], Tap]


class Traffic(Protocol):
    """Told, when a connection has ended, what passed in one of its directions."""

    def __call__(self, proxy: Proxy, direction: Direction, received: int, sent: int) -> None: ...


class ToxicExistsError(ProtocolError):
    """A proxy has no two toxics of one name, in whatever direction."""


class Proxy:
    """Begins disabled. ``listen`` is an address; port 0 becomes a real one once it listens.

    ``tap_factory``: asked for a tap for each connection that is opened from now on.
    """

    def __init__(
        self, name: str, listen: str, upstream: str, seed: int, traffic: Traffic | None = None
    ) -> None:
        self.name, self.listen, self.upstream = name, listen, upstream
        self.enabled = False
        self.tap_factory: TapFactory | None = None
        self._seed = f"{seed}/{name}"
        self._traffic = traffic
        self._toxics: list[Applied] = []
        self._links: dict[Link, asyncio.Task[None] | None] = {}
        self._accepted = 0
        self._listener: socket.socket | None = None
        self._server: asyncio.Server | None = None

    # -- listening --------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen. Raises AddressError, and stays disabled, if the address cannot be had."""
        if self.enabled:
            return
        try:
            resolved = await address.resolve(self.listen)
        except address.AddressError as error:
            raise address.AddressError(f"listen tcp: {error}") from error
        if self.enabled:
            return
        listener = address.listen(resolved)
        self.listen = address.name(listener)
        self.enabled = True
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: self._link().client, sock=listener, backlog=1024)
        if self.enabled:
            self._server = server
        else:
            server.close()

    def stop(self) -> None:
        """Refuse connections and close those that are open; what is on its way is lost."""
        self.enabled = False
        if self._server:
            self._server.close()
            self._server = None
        for link, dialling in list(self._links.items()):
            if dialling:
                dialling.cancel()
            link.close()

    async def update(self, listen: str, upstream: str, enabled: bool) -> None:
        """Take over what differs; another address means a new start, without connections.

        Raises AddressError: if ``listen`` is malformed, nothing has changed; if it cannot be
        had, the proxy is left disabled with the new address.
        """
        if await self.differs(listen, upstream):
            self.stop()
            self.listen, self.upstream = listen, upstream
        if enabled:
            await self.start()
        else:
            self.stop()

    async def differs(self, listen: str, upstream: str) -> bool:
        """Whether it would listen elsewhere or forward elsewhere. Raises AddressError."""
        return await address.resolve(listen) != self.listen or upstream != self.upstream

    # -- toxics -----------------------------------------------------------------------------

    @property
    def toxics(self) -> list[Applied]:
        """Those of the upstream direction first, each direction in the order of adding."""
        return sorted(self._toxics, key=lambda toxic: toxic.direction is not Direction.UPSTREAM)

    def toxic(self, name: str) -> Applied | None:
        return next((toxic for toxic in self._toxics if toxic.name == name), None)

    def add_toxic(self, applied: Applied) -> None:
        """Put it behind the others, on live connections too. Raises ToxicExistsError."""
        if self.toxic(applied.name):
            raise ToxicExistsError(applied.name)
        self._toxics.append(applied)
        for link in self.links:
            link.lane(applied.direction).add(applied)

    def toxic_changed(self, applied: Applied) -> None:
        """Its settings or its toxicity are others now: make live connections begin anew."""
        for link in self.links:
            link.lane(applied.direction).change(applied)

    def remove_toxic(self, applied: Applied) -> None:
        self._toxics.remove(applied)
        for link in self.links:
            link.lane(applied.direction).remove(applied)

    def remove_toxics(self) -> None:
        for applied in self.toxics:
            self.remove_toxic(applied)

    # -- connections ------------------------------------------------------------------------

    @property
    def links(self) -> list[Link]:
        """The connections that are open, in the order they were accepted."""
        return [link for link in self._links if link.connected]

    def _link(self) -> Link:
        self._accepted += 1
        return Link(self._accepted, self._seed, self._client_here, self._dialled, self._closed)

    def _client_here(self, link: Link) -> None:
        if not self.enabled:
            link.close()
            return
        self._links[link] = asyncio.get_running_loop().create_task(self._dial(link))

    async def _dial(self, link: Link) -> None:
        try:
            host, port = address.split(self.upstream)
            loop = asyncio.get_running_loop()
            await loop.create_connection(
                lambda: link.server, host or address.LOOPBACK, address.port_number(port)
            )
        except (OSError, UnicodeError, address.AddressError):
            link.close()
        finally:
            if link in self._links:
                self._links[link] = None

    def _dialled(self, link: Link) -> None:
        link.connect(self._toxics, self.tap_factory(link) if self.tap_factory else None)

    def _closed(self, link: Link) -> None:
        self._links.pop(link, None)
        if self._traffic:
            for direction, received, sent in link.traffic():
                self._traffic(self, direction, received, sent)
