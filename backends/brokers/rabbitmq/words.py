"""What queues are called in RabbitMQ, and how a job is written.

The name of a quorum queue is an atom of Erlang, too, so it is short and plain: whatever is no
letter and no digit is written as ``%XX``, and a name that is empty or too long by its digest.
"""

from __future__ import annotations

import hashlib
from urllib.parse import quote, unquote

import msgspec

from ....protocol.commands import Job

LETTERS = "~letters"  # the queue of dead letters: no other is called so, and it is looked at last
DIGEST = "%-"
LONGEST = 200
TAKEN = "amq."  # names that begin so are the server's

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Job).decode


def place_of(name: str) -> str:
    """What that queue is called there; different names have different ones."""
    place = quote(name, safe="").replace("~", "%7E")
    if place.startswith(TAKEN):
        place = f"%{ord(TAKEN[0]):X}{place[1:]}"
    if 0 < len(place) <= LONGEST:
        return place
    return DIGEST + hashlib.sha256(name.encode()).hexdigest()


def name_of(place: str) -> str:
    """The name of the queue that is called so; of one that was too long, what it is called."""
    return place if place.startswith(DIGEST) else unquote(place)


def job_in(body: bytes) -> Job | None:
    """The job in the body of a message; None if somebody else has put it there."""
    try:
        return decode(body)
    except msgspec.MsgspecError:
        return None
