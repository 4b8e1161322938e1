"""The history: what happened in a run, as numpy columns. Append-only, written by the harness.

Never read from the backend, except for the two observations at the end (``HELD`` and
``DEAD``: what the queue says it still has), which are marked as such. Times are seconds
since the start of the run; ``since`` is when the request behind an answer was first sent.
"""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FORMAT = 1


class Event(IntEnum):
    """What a row tells. Fields that an event does not use are -1 or 0."""

    WORKER_STARTED = 1
    WORKER_EXITED = 2  # value: exit status; negative is minus the signal
    ENQUEUE_SENT = 3
    ENQUEUE_ANSWERED = 4
    LEASED = 5  # value: lease length in seconds, from some moment in [since, t]
    STARTED = 6
    FINISHED = 7
    EFFECT = 8  # key: the effect's idempotency key, hashed
    ACK_SENT = 9
    ACK_ANSWERED = 10
    NACK_ANSWERED = 11  # value: 1 if permanent
    EXTEND_ANSWERED = 12  # value: lease length in seconds
    RELEASE_ANSWERED = 13
    LEASE_LOST = 14
    FAULT_STRUCK = 15  # fault, phase, job (-1: none); value: seconds, where it has a length
    RESUMED = 16
    HEALED = 17
    QUIET = 18
    DEADLINE = 19
    HELD = 20  # observed in the backend at the end; value: 1 leased, 0 ready
    DEAD = 21  # observed in the backend's dead letters at the end
    HANDBACK_SENT = 23  # a nack or a release, first sent
    SETTLED = 22  # observed at the end: the backend says that the job is done


class Answer(IntEnum):
    """What is known of a call: an answer that never came is neither success nor failure."""

    NONE = 0
    OK = 1
    FAILED = 2
    UNKNOWN = 3


class Phase(IntEnum):
    """Where in its life a job was when a fault struck it."""

    IDLE = 0  # no job was struck
    BEFORE_LEASE = 1
    LEASED = 2
    RUNNING = 3
    AFTER_EFFECT = 4
    ACKED = 5


PHASES = {
    Phase.BEFORE_LEASE: "before lease",
    Phase.LEASED: "leased",
    Phase.RUNNING: "running",
    Phase.AFTER_EFFECT: "after effect, before ack",
    Phase.ACKED: "after ack",
}

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
Row = tuple[float, float, int, int, int, int, int, int, int, int, int, float]
Column = npt.NDArray[Any]


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
    return (
        t, since, event, answer, phase, node, incarnation, job, token, fault, key, value
    )  # fmt: skip


class History:
    """Rows in the order in which they were written, column by column."""

    def __init__(self, rows: list[Row] | npt.NDArray[Any]) -> None:
        self.rows: npt.NDArray[Any] = (
            rows if isinstance(rows, np.ndarray) else np.array(rows, dtype=ROW)
        )

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, column: str) -> Column:
        view: Column = self.rows[column]
        return view

    def where(self, event: Event, answer: Answer | None = None) -> npt.NDArray[np.intp]:
        """Indices of the rows with this event (and answer), in order."""
        mask = self.rows["event"] == event
        if answer is not None:
            mask &= self.rows["answer"] == answer
        return np.flatnonzero(mask)

    def of_job(self, job: int) -> npt.NDArray[np.intp]:
        return np.flatnonzero(self.rows["job"] == job)

    def tobytes(self) -> bytes:
        """The rows as bytes: equal histories and only they have equal bytes."""
        return self.rows.tobytes()

    def save(self, path: Path) -> None:
        np.save(path, self.rows, allow_pickle=False)

    @classmethod
    def load(cls, path: Path) -> History:
        """Read a saved history. Raises ValueError if the file is not one."""
        rows = np.load(path, allow_pickle=False)
        if rows.dtype != ROW:
            raise ValueError(f"expected the columns of history format {FORMAT} in {path.name}")
        return cls(rows)
