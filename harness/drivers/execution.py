"""What a driver hands back: everything that is known of a run before it is judged."""

from __future__ import annotations

from typing import NamedTuple

from ..record.history import History


class Execution(NamedTuple):
    """The history, the ledger as it was written (None in sim), and what was the network."""

    history: History
    ledger: bytes | None
    network: str
