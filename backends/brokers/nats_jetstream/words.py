"""What the stream, its subjects and its consumers are called, and how a job is written.

A subject is ``jobquake.QUEUE.JOB``, so that the server finds a job by its id. Of a name, other
characters than letters and digits are written as ``_XX`` for each of their bytes, and a name that
is empty or too long by its digest.
"""

from __future__ import annotations

import hashlib
import re

import msgspec

from ....protocol.commands import Job

STREAM = "jobquake"
API = "$JS.API"
ACKS = b"$JS.ACK."
LONGEST_NAME = 120  # of a consumer, which is the name of a folder, too
PLAIN = re.compile(rb"[A-Za-z0-9]")
HIDDEN = re.compile(rb"_([0-9a-f]{2})")

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Job).decode


def token_of(name: str) -> str:
    """That name as one token of a subject; different names have different tokens."""
    token = "".join(
        byte.decode() if PLAIN.match(byte) else f"_{byte[0]:02x}"
        for byte in (bytes([number]) for number in name.encode())
    )
    if 0 < len(token) <= LONGEST_NAME:
        return token
    return f"_-{hashlib.sha256(name.encode()).hexdigest()}"


def name_of(token: str) -> str:
    """The name of that token; of one that was too long, the token itself."""
    if token.startswith("_-"):
        return token
    return HIDDEN.sub(lambda found: bytes([int(found[1], 16)]), token.encode()).decode()


def subject_of(job: Job) -> str:
    return f"{STREAM}.{token_of(job.queue)}.{token_of(job.id)}"


def job_in(body: bytes) -> Job | None:
    """The job in the body of a message; None if somebody else has put it there."""
    try:
        return decode(body)
    except msgspec.MsgspecError:
        return None
