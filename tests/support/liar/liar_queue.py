"""A queue that loses what it accepts, in leaping time only: so a fault of the clock looks.

It is found by its entry point as the adapter of another package is, so that its workers are real
processes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields

from jobquake.adapters import Connection
from jobquake.backends.built_in.reference_sqlite import BACKEND as SQLITE
from jobquake.backends.reference.adapter import ReferenceAdapter
from jobquake.commands import Command, Enqueue, Enqueued, Reply
from jobquake.leap.page import PAGE_ENV


@dataclass
class Lying:
    honest: Connection

    def attempt(self, command: Command) -> Reply | None:
        if isinstance(command, Enqueue) and PAGE_ENV in os.environ:
            return Enqueued(True)
        return self.honest.attempt(command)

    def close(self) -> None:
        self.honest.close()


class Liar(ReferenceAdapter):
    def connect(self, address: str, timeout_s: float) -> Connection:
        return Lying(super().connect(address, timeout_s))


OF_SQLITE = {field.name: getattr(SQLITE, field.name) for field in fields(SQLITE)}
BACKEND = Liar(**OF_SQLITE | {"name": "liar"})
