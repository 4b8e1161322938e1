"""The queue's commands in those of Redis Streams: one attempt at a time, each with a deadline.

A lease is the time for which an entry of the group is left alone before XAUTOCLAIM gives it to
somebody else. Nobody is told when one has ended, so whoever waits looks now and then. There is no
word for a failure: an entry that is not acknowledged comes back when its lease is over. One that
can never succeed, or was handed out as often as it may be, goes to a stream for such, as the
documentation of Redis advises.

The token of a delivery is how often its entry was handed out by then. Where the entry stands is
kept here, as any worker keeps it for as long as it runs the job.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from math import ceil
from typing import Any, NamedTuple

from ....protocol.commands import (
    Ack,
    Command,
    Delivery,
    Enqueue,
    Enqueued,
    Extend,
    Inspect,
    Job,
    Lease,
    Leased,
    ListDead,
    Measure,
    Nack,
    Refused,
    Release,
    Replay,
    Reply,
    Settled,
)
from ...reference.core import unfit, unfit_lease
from ...reference.stores.server_words import of_redis
from .client import Client, ResponseError
from .look import inspected, measured
from .words import DEAD, GROUP, JOB, REASON, encode, job_in, stream_of

LOOK_EVERY_S = 0.25
FIRST = b"0-0"
NO_LETTERS = "a stream of Redis is no list of dead letters"


class Entry(NamedTuple):
    """A delivery: its job, the stream and the place of its entry there, and who has it."""

    job: Job
    stream: bytes
    place: bytes
    worker: str
    number: int
    lease_ms: int


class StreamsConnection:
    """See :class:`...adapter.Connection`."""

    def __init__(self, address: str, timeout_s: float, lease_s: float) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._lease_ms = 1000 * lease_s
        self._client: Client | None = None
        self._with_group: set[bytes] = set()
        self._entries: dict[tuple[str, int], Entry] = {}

    def attempt(self, command: Command) -> Reply | None:
        wait_s = command.wait_s if isinstance(command, Lease) else 0.0
        try:
            if self._client is None:
                self._client = Client(self._address, self._timeout_s)
                self._with_group = set()
            self._client.within(self._timeout_s + wait_s)
            return self._reply(self._client, command)
        except ResponseError as error:
            return of_redis(error)
        except OSError:
            self.close()
            return None

    def close(self) -> None:
        if self._client:
            self._client.close()
        self._client = None

    def _reply(self, client: Client, command: Command) -> Reply:
        match command:
            case Enqueue(job):
                return self._enqueue(client, job)
            case Lease():
                return self._lease(client, command)
            case Ack() | Nack() | Release() | Extend():
                if isinstance(command, Extend) and (why := unfit_lease("", command.lease_s)):
                    return Refused(why)
                entry = self._entries.get((command.job_id, command.token))
                if entry is None:
                    return Settled(accepted=False, why="it was never given such a delivery")
                return _settle(client, entry, command)
            case Inspect(job_id):
                return inspected(client, job_id, self._lease_ms)
            case Measure():
                return measured(client)
            case ListDead() | Replay():
                return Refused(NO_LETTERS)

    def _enqueue(self, client: Client, job: Job) -> Reply:
        if why := unfit(job):
            return Refused(why)
        stream = stream_of(job.queue)
        self._see_group(client, stream)
        client.ask("XADD", stream, "*", JOB, encode(job))
        return Enqueued(created=True)

    def _see_group(self, client: Client, stream: bytes) -> None:
        """Make the group of workers of that stream, unless there is one."""
        if stream in self._with_group:
            return
        try:
            client.ask("XGROUP", "CREATE", stream, GROUP, FIRST, "MKSTREAM")
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise
        self._with_group.add(stream)

    def _lease(self, client: Client, command: Lease) -> Reply:
        if why := unfit_lease(command.worker, command.lease_s):
            return Refused(why)
        streams = [stream_of(queue) for queue in command.queues]
        for stream in streams:
            self._see_group(client, stream)
        until = time.monotonic() + command.wait_s
        while True:
            entry = _claimed(client, streams, command) or _read(client, streams, command)
            left_s = until - time.monotonic()
            if entry is None and left_s > 0:
                entry = _awaited(client, streams, command, min(left_s, LOOK_EVERY_S))
            if entry:
                self._entries[entry.job.id, entry.number] = entry
                delivery = Delivery(entry.job, entry.number, entry.number, command.lease_s)
                return Leased(delivery)
            if left_s <= 0:
                return Leased(None)


def _claimed(client: Client, streams: Sequence[bytes], command: Lease) -> Entry | None:
    """An entry whose lease has ended."""
    for stream in streams:
        place = FIRST
        while True:
            asked = (stream, GROUP, command.worker, _lease_ms(command), place, "COUNT", 1)
            place, entries, *_ = client.ask("XAUTOCLAIM", *asked)
            if entries:
                number = _holder(client, stream, entries[0][0])[1]
                return _entry(stream, entries[0], command, number)
            if place == FIRST:
                break
    return None


def _read(client: Client, streams: Sequence[bytes], command: Lease) -> Entry | None:
    """An entry that nobody has had yet."""
    for stream in streams:
        found = client.ask(*_asking(command), "STREAMS", stream, ">")
        if found:
            return _entry(stream, found[0][1][0], command, 1)
    return None


def _awaited(
    client: Client, streams: Sequence[bytes], command: Lease, wait_s: float
) -> Entry | None:
    """The next one that comes in so many seconds. Of two that come at once one is given back."""
    block_ms = max(1, ceil(1000 * wait_s))
    of = [*streams, *[b">"] * len(streams)]
    found = client.ask(*_asking(command), "BLOCK", block_ms, "STREAMS", *of) or []
    entries = [_entry(stream, given, command, 1) for stream, given in ((s, e[0]) for s, e in found)]
    for other in entries[1:]:
        _give_back(client, other)
    return entries[0] if entries else None


def _asking(command: Lease) -> tuple[str | bytes | int, ...]:
    return ("XREADGROUP", "GROUP", GROUP, command.worker, "COUNT", 1)


def _entry(stream: bytes, given: Any, command: Lease, number: int) -> Entry:
    place, fields = given
    job = job_in(fields[1])
    if job is None:
        raise ResponseError(f"expected a job in the entry {place!r}, found something else")
    return Entry(job, stream, place, command.worker, number, _lease_ms(command))


def _lease_ms(command: Lease) -> int:
    return max(1, ceil(1000 * command.lease_s))


def _holder(client: Client, stream: bytes, place: bytes) -> tuple[str, int]:
    """Who has the entry, and how often it was handed out; "" and 0 if nobody has it."""
    found = client.ask("XPENDING", stream, GROUP, place, place, 1)
    return (found[0][1].decode(), int(found[0][3])) if found else ("", 0)


def _settle(client: Client, entry: Entry, command: Ack | Nack | Release | Extend) -> Reply:
    at = (entry.stream, GROUP, entry.place)
    if isinstance(command, Ack):
        known, _ = client.ask_all([("XACK", *at), ("XDEL", entry.stream, entry.place)])
        return Settled(bool(known), "" if known else "it is no entry that somebody has")
    if _holder(client, entry.stream, entry.place) != (entry.worker, entry.number):
        return Settled(accepted=False, why="somebody else has it, or nobody")
    if isinstance(command, Release):
        _give_back(client, entry)
    elif isinstance(command, Extend):
        client.ask("XCLAIM", *at[:2], entry.worker, 0, entry.place, "JUSTID")
    elif command.permanent or entry.number >= entry.job.max_deliveries:
        letter = ("XADD", DEAD, "*", REASON, command.error, JOB, encode(entry.job))
        done = (("XACK", *at), ("XDEL", entry.stream, entry.place))
        client.ask_all([("MULTI",), letter, *done, ("EXEC",)])
    return Settled(accepted=True)


def _give_back(client: Client, entry: Entry) -> None:
    """Let it have been left alone for as long as a lease, so that whoever asks is given it."""
    idle = ("IDLE", entry.lease_ms, "JUSTID")
    client.ask("XCLAIM", entry.stream, GROUP, entry.worker, 0, entry.place, *idle)
