"""An HTTP server: a handler of requests, listening until it is stopped. Knows no route."""

from __future__ import annotations

import asyncio
import signal

from . import address
from .http import Connection, Handler


class Listener:
    """Has ``handler`` answer every request, each connection's one after the other."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._listening: asyncio.Server | None = None
        self._connections: set[Connection] = set()

    async def start(self, host: str, port: int) -> str:
        """Listen; HOST:PORT. Raises AddressError."""
        listener = address.listen(await address.resolve(address.join(host, port)))
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(self._connection, sock=listener)
        return address.name(listener)

    def stop(self) -> None:
        """Close the port and every connection."""
        if self._listening:
            self._listening.close()
        for connection in list(self._connections):
            connection.close()

    def _connection(self) -> Connection:
        connection = Connection(self._handler, self._connections.discard)
        self._connections.add(connection)
        return connection


def stop_signal() -> asyncio.Event:
    """What is set when this process receives SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    return stopped


async def settle() -> None:
    """Let connections that were aborted be closed, which takes the loop a turn or two."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    for _ in range(3):
        await asyncio.sleep(0)
