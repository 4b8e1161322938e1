"""Where the sink keeps what it decided: a line for each request, written before its answer.

One ``os.write`` a line, so that a SIGKILL loses nothing that was answered. Each charge is also a
row of the ledger; a charge whose row a SIGKILL prevented gets it when the journal is opened again.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec

from ...errors import DamagedData, EnvironmentFault
from ...protocol.events import Event
from ...protocol.ledger import Ledger, LedgerReader, key_hash
from .payments import Entry

JOURNAL = "charges.jsonl"
SINK = -1  # the ledger's node of whoever is part of the harness


class JournalError(DamagedData):
    """The journal is not what the sink has written. The message says where."""


class Journal:
    """Keeps entries in ``folder`` and writes each charge to ``ledger``.

    ``job_of`` is the number of an identifier's job in the plan, -1 if it is of none; ``clock``
    gives the times of rows. Raises JournalError, LedgerError or EnvironmentFault.
    """

    def __init__(
        self,
        folder: Path,
        ledger: Path,
        job_of: Callable[[str], int] = lambda identifier: -1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._job_of, self._clock = job_of, clock
        path = folder / JOURNAL
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.entries = _read(path)
            written = _written(ledger)
            self._ledger = Ledger(ledger, SINK)
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        except OSError as error:
            raise EnvironmentFault(
                f"expected to write to {error.filename or folder}, found: {error.strerror}; "
                "name another folder"
            ) from error
        for entry in self.entries:
            if entry.outcome == "applied" and written[key_hash(entry.identifier)] > 0:
                written[key_hash(entry.identifier)] -= 1
            elif entry.outcome == "applied":
                self._write_effect(entry)

    def append(self, entry: Entry) -> None:
        """It is in both files when this returns."""
        line = msgspec.json.encode(entry) + b"\n"
        if os.write(self._file, line) != len(line):
            raise JournalError(
                "expected the whole line of a charge to be written, found a short write; "
                "is the disk full?"
            )
        if entry.outcome == "applied":
            self._write_effect(entry)

    def close(self) -> None:
        os.close(self._file)
        self._ledger.close()

    def _write_effect(self, entry: Entry) -> None:
        self._ledger.write(
            Event.EFFECT,
            t=self._clock(),
            job=self._job_of(entry.identifier),
            key=key_hash(entry.identifier),
        )


def _read(path: Path) -> list[Entry]:
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")
    if lines.pop():
        lines.append(b"")  # the last line has no end: it is told as one that is no entry
    entries = []
    for number, line in enumerate(lines, 1):
        try:
            entries.append(msgspec.json.decode(line, type=Entry))
        except msgspec.DecodeError as error:
            raise JournalError(
                f"expected a charge in line {number} of {path}, found none; "
                "move the file away to begin anew"
            ) from error
    return entries


def _written(ledger: Path) -> Counter[int]:
    """How often the sink has an effect of each key in the ledger. Others may still write to it."""
    if not ledger.exists():
        return Counter()
    rows = LedgerReader(ledger).new_rows()
    return Counter(row.key for row in rows if row.event == Event.EFFECT and row.node == SINK)
