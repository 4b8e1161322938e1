"""What the streams hold: an entry that nobody has had, that somebody has, or that is given up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ....protocol.commands import Depth, Inspected, Measured, State
from .client import Client
from .words import DEAD, GROUP, JOB, PREFIX, job_in, queue_of

PAGE = 500


class Group(NamedTuple):
    """The workers of a stream: how many entries they have, and the last one they were given."""

    pending: int
    last: bytes


def inspected(client: Client, job_id: str, lease_ms: float) -> Inspected:
    """Where the job of that id is. A lease lasts for so long as all have agreed upon."""
    for stream in _streams(client):
        group = _group(client, stream)
        for place, found in _jobs(client, stream, b"-"):
            if found != job_id or group is None:
                continue
            held = client.ask("XPENDING", stream, GROUP, place, place, 1)
            if held:
                state: State = "leased" if held[0][2] < lease_ms else "ready"
                return Inspected(state, int(held[0][3]), where="pending in its group")
            if _number(place) > _number(group.last):
                return Inspected("ready", where="in its stream")
    dead = any(found == job_id for _, found in _jobs(client, DEAD, b"-"))
    return Inspected("dead", where=DEAD.decode()) if dead else Inspected(None)


def measured(client: Client) -> Measured:
    depths = [Depth("", "dead", int(client.ask("XLEN", DEAD)), 0.0)]
    for stream in _streams(client):
        if group := _group(client, stream):
            waiting = sum(1 for _ in _jobs(client, stream, b"(" + group.last))
            queue = queue_of(stream)
            depths += [
                Depth(queue, "ready", waiting, 0.0, waiting),
                Depth(queue, "leased", group.pending, 0.0),
            ]
    return Measured(tuple(depths), {})


def _streams(client: Client) -> list[bytes]:
    found, cursor = set[bytes](), b"0"
    while True:
        cursor, keys = client.ask("SCAN", cursor, "MATCH", PREFIX + b"*", "COUNT", PAGE)
        found.update(keys)
        if cursor == b"0":
            return sorted(found)


def _group(client: Client, stream: bytes) -> Group | None:
    for told in client.ask("XINFO", "GROUPS", stream):
        facts = dict(zip(told[::2], told[1::2], strict=True))
        if facts[b"name"] == GROUP:
            return Group(int(facts[b"pending"]), facts[b"last-delivered-id"])
    return None


def _jobs(client: Client, stream: bytes, after: bytes) -> Iterator[tuple[bytes, str]]:
    """Each entry of the stream from there on, with the id of its job."""
    while entries := client.ask("XRANGE", stream, after, "+", "COUNT", PAGE):
        for place, fields in entries:
            job = job_in(fields[fields.index(JOB) + 1]) if JOB in fields else None
            yield place, job.id if job else ""
        after = b"(" + entries[-1][0]


def _number(place: bytes) -> tuple[int, int]:
    milliseconds, _, sequence = place.partition(b"-")
    return int(milliseconds), int(sequence)
