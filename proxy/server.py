"""The proxies by their names: adding, replacing and removing them, and the seed of them all.

Knows no HTTP. The API and whoever uses the package from Python go through it.
"""

from __future__ import annotations

from ..errors import ProtocolError
from .metrics import Metrics
from .proxy import Proxy
from .watch import Watch


class ProxyExistsError(ProtocolError):
    """There is a proxy of that name already."""


class Server:
    """``seed``: the same seed makes the same connections meet the same chances.

    ``metrics``: count the bytes of connections that have ended.
    """

    def __init__(self, seed: int = 0, metrics: Metrics | None = None) -> None:
        self.seed = seed
        self.metrics = metrics
        self._proxies: dict[str, Proxy] = {}
        self._watches: dict[str, Watch] = {}

    @property
    def proxies(self) -> dict[str, Proxy]:
        """All of them, sorted by name."""
        return dict(sorted(self._proxies.items()))

    def make(self, name: str, listen: str, upstream: str) -> Proxy:
        """A proxy with this server's seed, which is not part of it yet."""
        return Proxy(name, listen, upstream, self.seed, self.metrics)

    async def add(self, proxy: Proxy, start: bool = True) -> None:
        """Raises ProxyExistsError, or AddressError if it cannot listen; it is not added then."""
        if proxy.name in self._proxies:
            raise ProxyExistsError(proxy.name)
        self._proxies[proxy.name] = proxy
        try:
            if start:
                await proxy.start()
        except BaseException:
            self._proxies.pop(proxy.name, None)
            raise

    async def add_or_replace(self, proxy: Proxy, start: bool = True) -> Proxy:
        """Keep the one of that name if it has the same addresses, else replace it.

        Returns the one that is there now. Raises AddressError.
        """
        existing = self._proxies.get(proxy.name)
        if existing:
            if not await existing.differs(proxy.listen, proxy.upstream):
                return existing
            existing.stop()
        if start:
            await proxy.start()
        self.forget(proxy.name)
        self._proxies[proxy.name] = proxy
        return proxy

    def remove(self, name: str) -> None:
        """Stop it and forget it. Raises KeyError."""
        self._proxies[name].stop()
        self.forget(name)

    def forget(self, name: str) -> None:
        self._proxies.pop(name, None)
        self._watches.pop(name, None)

    def watch(self, name: str) -> Watch:
        """What counts, records and strikes that proxy's round trips. Raises KeyError."""
        if name not in self._watches:
            self._watches[name] = Watch(self._proxies[name])
        return self._watches[name]

    async def reset(self) -> None:
        """Enable every proxy, remove every toxic and every trigger. Connections live on.

        Raises AddressError at the first proxy that cannot listen, and goes no further.
        """
        for proxy in self.proxies.values():
            await proxy.start()
            proxy.remove_toxics()
            if proxy.name in self._watches:
                self._watches[proxy.name].disarm_all()

    def stop(self) -> None:
        """Stop every proxy and forget it."""
        for name in list(self._proxies):
            self.remove(name)
