"""How a queue's name, a priority and a job are written in beanstalkd's words.

A tube's name has at most 200 bytes of a small alphabet, so other characters are written as
``_XX`` for each of their bytes, and a name that is too long by its digest. Of two numbers the
lower is the more urgent priority there. A job is the body of a job, as it was enqueued.
"""

from __future__ import annotations

import hashlib
import re

import msgspec

from ....protocol.commands import Job

PLAIN = re.compile(rb"[A-Za-z0-9.]")
LONGEST_NAME = 200
NORMAL_PRIORITY = 1 << 31

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Job).decode


def tube_of(queue: str) -> str:
    """The tube for the jobs of that queue; different queues have different tubes."""
    name = "".join(
        byte.decode() if PLAIN.match(byte) else f"_{byte[0]:02x}"
        for byte in (bytes([number]) for number in queue.encode())
    )
    if 0 < len(name) <= LONGEST_NAME:
        return name
    return f"_.{hashlib.sha256(queue.encode()).hexdigest()}"


def queue_of(tube: str) -> str:
    """The queue of that tube; of one whose name was too long, the tube's own name."""
    if tube.startswith("_."):
        return tube
    hidden = re.compile(rb"_([0-9a-f]{2})")
    return hidden.sub(lambda found: bytes([int(found[1], 16)]), tube.encode()).decode()


def urgency_of(priority: int) -> int:
    """The same priority in beanstalkd's order."""
    return NORMAL_PRIORITY - priority


def job_in(body: bytes) -> Job | None:
    """The job in the body of a job; None if somebody else has put it there."""
    try:
        return decode(body)
    except msgspec.MsgspecError:
        return None
