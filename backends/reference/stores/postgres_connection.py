"""A connection to PostgreSQL on which no wait is longer than its owner's patience."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

import psycopg

LOOK_EVERY_S = 0.02
# OperationalError and InterfaceError: the connection; TimeoutError: our own patience.
# After a failover the old primary answers that it is read-only: dial again, like a loss.
LOST = (
    psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.ReadOnlySqlTransaction,
    TimeoutError, OSError,
)  # fmt: skip


class ImpatientConnection(psycopg.Connection[Any]):
    """A connection on which no wait for the server lasts longer than ``patience_s``."""

    patience_s = 1.0

    def wait(self, gen: Generator[Any, Any, Any], *args: Any, **options: Any) -> Any:
        until = time.monotonic() + self.patience_s

        def bounded() -> Generator[Any, Any, Any]:
            try:
                wanted = next(gen)
                while True:
                    ready = yield wanted
                    if not ready and time.monotonic() >= until:
                        raise TimeoutError(f"no answer within {self.patience_s:g} s")
                    wanted = gen.send(ready)
            except StopIteration as end:
                return end.value

        return super().wait(bounded(), *args, **{"interval": LOOK_EVERY_S, **options})
