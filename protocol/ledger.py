"""The ledger: the file to which every process of a run appends before it goes on.

One ``os.write`` per event on an O_APPEND descriptor, so a SIGKILL loses nothing of what
happened before it and lines of several processes never mix. Standard library only,
since it also runs inside other people's worker processes. Times are raw
``time.monotonic()``, which all processes of one machine share.

A line of numbers is a row. A line of a text and a flag is an error with which a queue's server
answered, in its own words (:class:`.events.Said`); rows below it name it by its hash.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from ..errors import DamagedData
from .events import Row, Said


class LedgerError(DamagedData):
    """The ledger was damaged; a verdict from it would not be beyond doubt."""


def key_hash(key: str) -> int:
    """A key as a positive integer below 2**56, the same in every process."""
    return payload_hash(key.encode())


def payload_hash(payload: bytes) -> int:
    """Bytes as a positive integer below 2**56, the same in every process."""
    return int.from_bytes(hashlib.blake2b(payload, digest_size=7).digest(), "big")


LONGEST_WORDS = 500
# A row as JSON, byte for byte what json would write, at a quarter of its price: a process under
# test waits for each of its rows.
LINE = "[%r,%r,%d,%d,%d,%d,%d,%d,%d,%d,%d,%r]\n"


def in_brief(said: Said) -> tuple[int, Said]:
    """Its hash, by which rows name it, and the error on one line, not too long for one."""
    words = " ".join(said.error.split())
    if len(words) > LONGEST_WORDS:
        words = f"{words[: LONGEST_WORDS - 4]} ..."
    brief = Said(words or "no words", said.environment)
    return key_hash(f"{brief.environment} {brief.error}"), brief


class Ledger:
    """Appends rows for one process. ``node`` and ``incarnation`` say whose they are, and ``clock``
    the time of a row that states none."""

    def __init__(
        self,
        path: str | Path,
        node: int = -1,
        incarnation: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._node = node
        self._incarnation = incarnation
        self._clock = clock
        self._said: set[int] = set()

    def say(self, said: Said) -> int:
        """Append an error's words, unless this process has; the hash by which rows name them."""
        key, brief = in_brief(said)
        if key not in self._said:
            self._said.add(key)
            self._append(json.dumps(brief, separators=(",", ":")) + "\n")
        return key

    def write(
        self,
        event: int,
        *,
        t: float | None = None,
        since: float = -1.0,
        answer: int = 0,
        phase: int = 0,
        job: int = -1,
        token: int = 0,
        fault: int = -1,
        key: int = 0,
        value: float = 0.0,
        node: int | None = None,
        incarnation: int | None = None,
    ) -> None:
        """Append one row; it is in the file when this returns."""
        line = LINE % (
            self._clock() if t is None else t,
            since,
            event,
            answer,
            phase,
            self._node if node is None else node,
            self._incarnation if incarnation is None else incarnation,
            job,
            token,
            fault,
            key,
            value,
        )
        if "n" in line:  # of nan and inf
            line = line.replace("nan", "NaN").replace("inf", "Infinity")
        self._append(line)

    def _append(self, line: str) -> None:
        data = line.encode()
        try:
            written = os.write(self._file, data)
        except OSError as error:
            raise LedgerError(
                f"expected the ledger to take a line, found: {error.strerror}; set TMPDIR to a "
                "folder on another disk"
            ) from error
        if written != len(data):
            raise LedgerError(
                "expected the whole ledger line to be written, found a short write; "
                "is the disk full?"
            )

    def close(self) -> None:
        os.close(self._file)


class LedgerReader:
    """Reads a ledger while it grows; ``said`` are the words of errors by their hashes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("rb")
        self._rest = b""
        self._lines = 0
        self.said: dict[int, Said] = {}

    def new_rows(self) -> list[Row]:
        """Rows appended since the last call; an unfinished line waits for its end."""
        data = self._rest + self._file.read()
        *lines, self._rest = data.split(b"\n")
        return [row for line in lines if (row := self._parse(line))]

    def finish(self) -> None:
        """Close; raises :class:`LedgerError` if the last line has no end."""
        self._file.close()
        if self._rest:
            raise LedgerError(
                f"expected {self._path.name} to end with a whole line, found line "
                f"{self._lines + 1} cut in the middle; the ledger is damaged, run again"
            )

    def _parse(self, line: bytes) -> Row | None:
        """The row of this line; None if it is the words of an error."""
        self._lines += 1
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, list) and [type(field) for field in row] == [str, bool]:
            key, said = in_brief(Said(*row))
            self.said[key] = said
            return None
        if (
            not isinstance(row, list)
            or len(row) != len(Row._fields)
            or any(type(field) not in (int, float) for field in row)
        ):
            raise LedgerError(
                f"expected {len(Row._fields)} numbers in line {self._lines} of "
                f"{self._path.name}, found "
                f"{line[:60].decode(errors='replace')!r}; the ledger is damaged, run again"
            )
        return Row(*row)


def read_rows(path: Path) -> list[Row]:
    """All rows of a finished ledger. Raises :class:`LedgerError` if it is damaged."""
    reader = LedgerReader(path)
    rows = reader.new_rows()
    reader.finish()
    return rows
