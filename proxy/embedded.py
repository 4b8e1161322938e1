"""The server, running: in a thread for a harness, or as the command ``jobquake proxy``.

Puts the parts together and owns the event loop; decides nothing about proxies. The loop is
asyncio's own: uvloop forwards no faster here, counts time in whole milliseconds, and reads
from connections before they have been told not to.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar

from ..errors import UsageError
from . import address, go_json
from .api import API, VERSION
from .config import populate
from .extension import Extension
from .go_syntax import JSONError
from .listener import Listener, settle, stop_signal
from .loop_thread import LoopClock, LoopThread
from .metrics import Metrics
from .proxy import TapFactory
from .server import Server
from .shapes import APIError

T = TypeVar("T")


class ConfigError(UsageError):
    """The configuration is not one; the message says what is wrong with it."""


class Embedded:
    """A server in a daemon thread of its own, listening on ``host`` and ``port`` (0: any).

    ``seed``: the same seed makes the same connections meet the same chances. ``clock``: whose
    time it goes by, if not by the machine's. ``address``: what ``start`` returned. ``server`` may
    be used on the loop only, through ``call`` and ``run``.
    """

    def __init__(
        self,
        seed: int = 0,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: LoopClock | None = None,
    ) -> None:
        self.server = Server(seed)
        self.address = ""
        self._host, self._port, self._clock = host, port, clock
        self._thread: LoopThread | None = None
        self._http: Listener | None = None

    def start(self) -> str:
        """Listen; the API's address, http://HOST:PORT. Raises AddressError."""
        assert self._thread is None, "started already"
        self._thread = LoopThread("toxiproxy", self._clock)
        self._http = Listener(api(self.server))
        try:
            self.address = "http://" + self.run(self._http.start(self._host, self._port))
            return self.address
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Close every listener and every connection, and end the thread."""
        if self._thread is None:
            return
        self.run(self._close())
        self._thread.stop()
        self._thread = None

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run it on the loop, from another thread, and wait for what it returns."""
        assert self._thread
        return self._thread.run(coroutine)

    def call(self, function: Callable[[], T]) -> T:
        """Call it on the loop, from another thread, and wait for what it returns."""
        assert self._thread
        return self._thread.call(function)

    def tap(self, name: str, factory: TapFactory) -> None:
        """Ask ``factory`` for a tap for each connection of that proxy from now on."""

        def set_factory() -> None:
            self.server.proxies[name].tap_factory = factory

        self.call(set_factory)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    async def _close(self) -> None:
        if self._http:
            self._http.stop()
        self.server.stop()
        await settle()


def api(server: Server) -> API:
    """Toxiproxy's API of ``server``, with our extension."""
    return API(server, Extension(server, VERSION).routes)


async def serve(
    host: str,
    port: int,
    ready: Callable[[str], None],
    seed: int = 0,
    config: bytes | None = None,
    proxy_metrics: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT. ``config``: the text of a configuration, see ``config``.

    Calls ``ready(address)`` once it listens. Raises AddressError if an address cannot be
    had, ConfigError if the configuration is not one.
    """
    stopped = stop_signal()
    server = Server(seed, Metrics() if proxy_metrics else None)
    listener = Listener(api(server))
    try:
        if config is not None:
            await _configure(server, config)
        ready("http://" + await listener.start(host, port))
        await stopped.wait()
    finally:
        listener.stop()
        server.stop()
        await settle()


async def _configure(server: Server, config: bytes) -> None:
    try:
        await populate(server, go_json.decode(config))
    except address.ListenError:
        raise
    except (APIError, JSONError, address.AddressError) as error:
        raise ConfigError(str(error)) from error
