"""The rows of a run's ledger so far, and what of them matters while it goes on."""

from __future__ import annotations

from collections.abc import Sequence

from ...protocol.events import Event, Row
from ..faults.fault import Fault
from ..faults.fields import FOR_EVER_S


class Rows(list[Row]):
    """In order. ``strikes``: how many faults have struck.

    ``moved_at``: when something last happened to a job, ``struck_until``: when the last fault is
    over that has struck and lasts for a while; times are the ledger's own.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__()
        self._faults = faults
        self.strikes = 0
        self.moved_at = self.struck_until = 0.0

    def take(self, row: Row) -> None:
        """The next one."""
        self.append(row)
        if row.event != Event.PASSED:  # heartbeats pass for ever
            self.moved_at = row.t
        if row.event == Event.FAULT_STRUCK:
            self.strikes += 1
            if row.value < FOR_EVER_S:
                self.struck_until = max(self.struck_until, row.t + row.value)

    def deadly(self, row: Row) -> bool:
        """Whether whoever the row is about has been struck and dies of it."""
        return row.event == Event.FAULT_STRUCK and self._faults[row.fault].ends_worker
