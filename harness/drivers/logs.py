"""What workers wrote to their logs right after a fault had struck a job of theirs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ...protocol.events import Event, Row

MOST_LINES, LONGEST_LINE, MOST_BYTES, MOST_JOBS = 12, 300, 8192, 40


class Moments:
    """``log(number)`` is where that node's words go."""

    def __init__(self, log: Callable[[int], Path]) -> None:
        self._log = log
        self._struck: dict[int, tuple[int, int]] = {}

    def saw(self, row: Row) -> None:
        """Note how long the log of a node was when a fault first struck this job there."""
        if row.event != Event.FAULT_STRUCK or row.job < 0 or row.node < 0:
            return
        if len(self._struck) < MOST_JOBS and row.job not in self._struck:
            log = self._log(row.node)
            self._struck[row.job] = row.node, log.stat().st_size if log.exists() else 0

    def lines(self) -> dict[int, tuple[str, ...]]:
        """The first lines behind that place, of each job that was struck; none left out."""
        found = {job: self._behind(*place) for job, place in self._struck.items()}
        return {job: lines for job, lines in found.items() if lines}

    def _behind(self, node: int, size: int) -> tuple[str, ...]:
        log = self._log(node)
        if not log.exists():
            return ()
        with log.open("rb") as file:
            file.seek(size)
            lines = file.read(MOST_BYTES).decode(errors="replace").splitlines()
        return tuple(line[:LONGEST_LINE] for line in lines if line.strip())[:MOST_LINES]
