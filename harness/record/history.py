"""The history: what happened in a run, as numpy columns. Append-only, written by the harness.

Never read from the backend, except for the two observations at the end (``HELD`` and
``DEAD``: what the queue says it still has), which are marked as such. Times are seconds
since the start of the run; ``since`` is when the request behind an answer was first sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from io import BytesIO
from itertools import starmap
from pathlib import Path
from struct import Struct
from typing import Any

import numpy as np
import numpy.typing as npt

from ...protocol.events import PHASES, Answer, Event, Phase, Row, Said
from ...whole_file import read_whole

__all__ = ["FORMAT", "PHASES", "ROW", "Answer", "Event", "History", "Phase", "Row", "Said", "row"]

FORMAT = 1
MOST_BYTES = 1 << 32  # 80 million rows
NO_WORDS = Said("an error, of which the words are not kept")

ROW = np.dtype(
    [
        ("t", "<f8"),
        ("since", "<f8"),
        ("event", "u1"),
        ("answer", "u1"),
        ("phase", "u1"),
        ("node", "<i2"),
        ("incarnation", "<i4"),
        ("job", "<i4"),
        ("token", "<i8"),
        ("fault", "<i4"),
        ("key", "<i8"),
        ("value", "<f8"),
    ]
)
_pack = Struct("<ddBBBhiiqiqd").pack  # a row in the layout of ROW; faster than numpy's way
Column = npt.NDArray[Any]
_NONE = np.array([], dtype=np.intp)


def row(
    t: float,
    event: Event,
    *,
    since: float = -1.0,
    answer: Answer = Answer.NONE,
    phase: Phase = Phase.IDLE,
    node: int = -1,
    incarnation: int = 0,
    job: int = -1,
    token: int = 0,
    fault: int = -1,
    key: int = 0,
    value: float = 0.0,
) -> Row:
    """One row of a history, in the order of its columns."""
    return Row(
        t, since, event, answer, phase, node, incarnation, job, token, fault, key, value
    )  # fmt: skip


class History:
    """Rows in the order in which they were written, column by column.

    ``said`` are the words of the errors that rows name by their ``key``.
    """

    def __init__(
        self, rows: list[Row] | npt.NDArray[Any], said: Mapping[int, Said] | None = None
    ) -> None:
        self.said = dict(said or {})
        self.rows: npt.NDArray[Any] = (
            rows
            if isinstance(rows, np.ndarray)
            else np.frombuffer(b"".join(starmap(_pack, rows)), dtype=ROW)
        )
        self._columns: dict[str, Column] = {}

    @classmethod
    def from_ledger(cls, rows: list[Row], start: float, said: Mapping[int, Said]) -> History:
        """Of rows in the ledger's own time, in which the run began at ``start``."""
        since = [row.since - start if row.since >= 0 else -1.0 for row in rows]
        moved = [row._replace(t=row.t - start, since=s) for row, s in zip(rows, since, strict=True)]
        return cls(moved, said)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, column: str) -> Column:
        """A column, side by side in memory, which numpy reads several times faster."""
        found = self._columns.get(column)
        if found is None:
            found = self._columns[column] = np.ascontiguousarray(self.rows[column])
        return found

    def words(self, row: int) -> Said:
        """The error that this row names."""
        return self.said.get(int(self["key"][row]), NO_WORDS)

    def where(self, event: Event, answer: Answer | None = None) -> npt.NDArray[np.intp]:
        """Indices of the rows with this event (and answer), in order."""
        order, ends = self._by_event
        rows = order[ends[event - 1] : ends[event]] if event < len(ends) else _NONE
        return rows if answer is None else rows[self["answer"][rows] == int(answer)]

    def where_any(self, *events: Event) -> npt.NDArray[np.intp]:
        """Indices of the rows with any of these events, in order."""
        wanted = np.zeros(256, dtype=bool)  # faster than asking numpy which are in the list
        wanted[list(events)] = True
        return np.flatnonzero(wanted[self["event"]])

    @cached_property
    def _by_event(self) -> tuple[npt.NDArray[np.intp], list[int]]:
        """All rows, sorted by event, and where each event's rows end, since every check asks."""
        events = self["event"]
        return np.argsort(events, kind="stable"), np.cumsum(np.bincount(events)).tolist()

    def of_job(self, job: int | np.integer[Any]) -> npt.NDArray[np.intp]:
        """The rows about that job, in their order."""
        rows, jobs = self._by_job
        first, end = np.searchsorted(jobs, np.array((job, job + 1)))
        return rows[first:end]

    @cached_property
    def _by_job(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int64]]:
        """The rows in the order of their jobs, and those jobs: whoever asks may ask for many."""
        rows = np.argsort(self["job"], kind="stable")
        return rows, self["job"][rows].astype(np.int64)

    def tobytes(self) -> bytes:
        """The rows as bytes: equal histories and only they have equal bytes."""
        return self.rows.tobytes()

    def save(self, path: Path) -> None:
        np.save(path, self.rows, allow_pickle=False)

    @classmethod
    def load(cls, path: Path, said: Mapping[int, Said] | None = None) -> History:
        """Read a saved history, whose words are kept beside it.

        Raises ValueError if the file is not one, OSError if unreadable.
        """
        with BytesIO(read_whole(path, MOST_BYTES)) as file:
            try:
                np.lib.format.read_magic(file)
                shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            except Exception as error:  # numpy evaluates the header: junk can raise anything
                reason = (str(error).splitlines() or ["nothing"])[0]
                raise ValueError(f"expected a history in {path.name}, found {reason}") from error
            data = file.read()
        if dtype != ROW or (shape[0] * ROW.itemsize if len(shape) == 1 else -1) != len(data):
            raise ValueError(
                f"expected whole rows of history format {FORMAT} in {path.name}, "
                f"found {shape} of {dtype} in {len(data)} bytes"
            )
        return cls(np.frombuffer(data, dtype=ROW), said)
