"""A connection to Redis that sends some commands together and waits no longer than it is told to.

It is a bare connection of redis-py: nothing is repeated, and nobody else uses it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from ...adapter import Unavailable

try:
    from redis.backoff import NoBackoff
    from redis.connection import Connection
    from redis.exceptions import RedisError, ResponseError
    from redis.retry import Retry
except ImportError as missing:
    raise Unavailable(
        "expected the Redis client for Python, found none; install jobquake[redis]"
    ) from missing

__all__ = ["Client", "Command", "ResponseError"]

Command = Sequence[str | bytes | int]


class Client:
    """One connection to the server at HOST:PORT. Raises OSError wherever it does not answer."""

    def __init__(self, address: str, timeout_s: float) -> None:
        host, _, port = address.rpartition(":")
        self._until = time.monotonic() + timeout_s
        made: Any = Connection  # whose methods have no types
        self._connection = made(
            host=host,
            port=int(port),
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            self._connection.connect()
        except RedisError as error:
            raise ConnectionError(str(error)) from error

    def within(self, timeout_s: float) -> None:
        """Whatever is asked from now on must be answered in so many seconds altogether."""
        self._until = time.monotonic() + timeout_s

    def ask(self, *command: str | bytes | int) -> Any:
        """The answer to one command. Raises ResponseError if it is an error."""
        (answer,) = self.ask_all([command])
        return answer

    def ask_all(self, commands: Sequence[Command]) -> list[Any]:
        """The answers to commands that are sent together; raises the first error of them."""
        try:
            self._connection.send_packed_command(self._connection.pack_commands(commands))
            answers = [self._answer() for _ in commands]
        except ResponseError:
            raise
        except RedisError as error:
            raise ConnectionError(str(error)) from error
        for answer in answers:
            if isinstance(answer, ResponseError):
                raise answer
        return answers

    def close(self) -> None:
        self._connection.disconnect()

    def _answer(self) -> Any:
        if not self._connection.can_read(max(0.0, self._until - time.monotonic())):
            raise TimeoutError
        try:
            return self._connection.read_response()
        except ResponseError as error:
            return error
