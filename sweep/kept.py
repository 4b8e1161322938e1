"""What a sweep has done so far, in a file that grows a cell a line: whoever is ended goes on.

The first line says of what the cells are; another app, other settings or other round trips begin
anew.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from ..errors import EnvironmentFault
from .cell import Cell

FILE = "cells.jsonl"


class Kept:
    """The cells in ``folder`` of a sweep with that fingerprint."""

    def __init__(self, folder: Path, fingerprint: str, anew: bool = False) -> None:
        self._file = folder / FILE
        self._head = msgspec.json.encode({"sweep": fingerprint})
        self.cells: dict[tuple[str, str], Cell] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if anew or not self._read():
                self._file.write_bytes(self._head + b"\n")
                self.cells.clear()
        except OSError as error:
            raise EnvironmentFault(
                f"expected to keep cells in {self._file}, found: {error.strerror}; name another "
                "folder with --report"
            ) from error

    def add(self, cell: Cell) -> None:
        """Keep it; it is in the file when this returns."""
        self.cells[cell.key] = cell
        with self._file.open("ab") as file:
            file.write(msgspec.json.encode(cell) + b"\n")

    def _read(self) -> bool:
        """Take in what is there; False if it is of something else."""
        if not self._file.exists():
            return False
        head, *lines = self._file.read_bytes().split(b"\n")
        if head != self._head:
            return False
        for line in lines:
            try:
                cell = msgspec.json.decode(line, type=Cell)
            except msgspec.MsgspecError:
                continue  # cut short by whatever ended it: that cell is run again
            self.cells[cell.key] = cell
        return True
