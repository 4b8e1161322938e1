"""What the streams, their group and the fields of an entry are called, and how a job is written."""

from __future__ import annotations

import msgspec

from ....protocol.commands import Job

PREFIX = b"jobquake:"
DEAD = b"jobquake-dead"
GROUP = b"workers"
JOB = b"job"
REASON = b"reason"

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Job).decode


def stream_of(queue: str) -> bytes:
    """The stream for the jobs of that queue."""
    return PREFIX + queue.encode()


def queue_of(stream: bytes) -> str:
    return stream.removeprefix(PREFIX).decode()


def job_in(field: bytes) -> Job | None:
    """The job in the field of an entry; None if somebody else has put it there."""
    try:
        return decode(field)
    except msgspec.MsgspecError:
        return None
