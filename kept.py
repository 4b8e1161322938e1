"""What has been done so far, in a file that grows a cell a line: whoever is ended goes on.

The first line says of what the cells are; of anything else they begin anew.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import msgspec

from .errors import EnvironmentFault

FILE = "cells.jsonl"


class Keyed(Protocol):
    @property
    def key(self) -> Hashable: ...


C = TypeVar("C", bound=Keyed)


def cells_in(folder: Path, kind: type[C]) -> list[C]:
    """The cells that are kept there, of whatever they are, the last of each key; none yet: []."""
    try:
        _, *lines = (folder / FILE).read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    return list({cell.key: cell for cell in _decoded(lines, kind)}.values())


def _decoded(lines: Iterable[bytes], kind: type[C]) -> Iterator[C]:
    for line in lines:
        try:
            yield msgspec.json.decode(line, type=kind)
        except msgspec.MsgspecError:
            continue  # cut short by whatever ended it: that cell is run again


class Kept(Generic[C]):
    """The cells of that ``kind`` in ``folder``, of something with that fingerprint."""

    def __init__(self, folder: Path, fingerprint: str, kind: type[C], anew: bool = False) -> None:
        self._file, self._kind = folder / FILE, kind
        self._head = msgspec.json.encode({"of": fingerprint})
        self.cells: dict[Hashable, C] = {}
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

    def add(self, cell: C) -> None:
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
        self.cells.update({cell.key: cell for cell in _decoded(lines, self._kind)})
        return True
