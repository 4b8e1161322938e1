"""The identity of a write to a shared store: what it changes, of which job, and a number.

``ack/job-7/5f0c...`` is written down with the record. It tells who came first when an
answer was lost (see :mod:`.ambiguous_writes`), tells an operator what was last done to a job, and
lets a network proxy see which call the bytes on the wire belong to. It decides nothing.
"""

from __future__ import annotations

import re
import uuid
from typing import NamedTuple

from ..record import Record

_IDENTITY = re.compile(
    rb"\b(enqueue|lease|extend|ack|nack|release|reap|skip|replay)/([^/]*)/[0-9a-f]{32}"
)


class Write(NamedTuple):
    """What a write does, in the words of the commands, and to which job."""

    call: str
    job_id: str


def identity(old: Record | None, new: Record, number: str | None = None) -> str:
    """A fresh identity for the write that puts ``new`` in the place of ``old``.

    Writes of which at most one is carried out may share their ``number``.
    """
    return f"{change(old, new)}/{new.job.id.replace('/', '_')}/{number or fresh_number()}"


def fresh_number() -> str:
    return uuid.uuid4().hex


def change(old: Record | None, new: Record) -> str:
    """The command that leads from ``old`` to ``new``; ``reap`` and ``skip`` have none."""
    if old is None:
        return "enqueue"
    if old.state == "dead":
        return "replay"
    if old.state == "ready":
        return "lease" if new.token > old.token else "skip"
    if new.state == "done":
        return "ack"
    if new.state == "leased":
        return "extend"
    if new.forgiven > old.forgiven:
        return "release"
    return "nack" if new.settled_token > old.settled_token else "reap"


def found(message: bytes) -> list[tuple[bytes, Write]]:
    """The identities that stand in these bytes, and the write that each of them names."""
    return [
        (match[0], Write(match[1].decode(), match[2].decode(errors="replace")))
        for match in _IDENTITY.finditer(message)
    ]
