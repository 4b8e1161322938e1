"""The store in Redis: one hash per job, sorted sets to find it by, one script to swap it.

What survives depends on the server's settings, not on this code:

- power cut or kernel crash: ``appendonly yes`` with ``appendfsync always``; then an
  answer means that the disk has it. ``appendfsync everysec`` loses up to one second of
  acknowledged work, two if the disk is slow.
- SIGKILL of the server alone: ``appendonly yes`` with either setting, for the kernel
  still writes what the server handed it.
- ``appendonly no`` (the default of Redis) loses everything since the last snapshot.
- memory full: ``maxmemory-policy noeviction``; any other policy throws jobs away, and
  is refused here.
- failover to a replica: replication is asynchronous, so acknowledged work of the last
  moment can be lost whatever the disk says.

Every method is one atomic script, so records and the sets that index them never differ.
A ready job's place is the set of its queue and priority, ordered by when it is ready, then by
when it came. All keys share the hash tag of the store's name: queues can share a server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeVar, get_args

import msgspec
from msgspec.structs import replace

from ....protocol.commands import Depth, State, Unanswered
from ....servers.source import shown
from ..record import UNREADABLE, Outline, Record, stand_in
from .ambiguous_writes import NO_RECORD, Held, persist, took_effect
from .identity import fresh_number, identity
from .redis_scripts import CLAIM, DEPTHS, LATEST, LOOK, NEXT, PUT, RANGE, SOONEST
from .server_words import of_redis
from .store import (
    FIRST,
    LOOK_BYTES,
    Bell,
    Claim,
    Look,
    Place,
    Proposal,
    RecordRefused,
    ServerClock,
    ServerError,
    StoreError,
    due,
    in_order,
)

try:
    import redis
    from redis.backoff import NoBackoff
    from redis.exceptions import (
        ClusterDownError,
        DataError,
        MasterDownError,
        ReadOnlyError,
        RedisError,
        TryAgainError,
    )
    from redis.exceptions import ConnectionError as Disconnected
    from redis.exceptions import TimeoutError as TimedOut
    from redis.retry import Retry
except ImportError as missing:
    raise StoreError(
        "expected the Redis client for Python, found none; install jobquake[redis]"
    ) from missing

FORMAT = "1"
BATCH = 500
SEQUENCE_DIGITS = 16
STATES: tuple[State, ...] = get_args(State)
# After a failover the old primary answers that it cannot write: dial again, like a loss.
LOST = (
    Disconnected,
    TimedOut,
    OSError,
    ReadOnlyError,
    MasterDownError,
    ClusterDownError,
    TryAgainError,
)

T = TypeVar("T")


class RedisStore:
    """A :class:`~.store.Store` in the Redis at ``url``, under the prefix ``name``.

    ``timeout_s`` bounds each wait for the server; a call makes up to three attempts.
    Raises :class:`StoreError` for a server whose settings or contents do not fit, and
    Unanswered (from any method) if the server does not answer.
    """

    def __init__(self, url: str, name: str = "jobquake", timeout_s: float = 1.0) -> None:
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(Record).decode
        self.name = name
        self._url, self._shown = url, shown(url)
        self._prefix = f"{{{name}}}:"
        self._timeout_s = timeout_s
        self._server = self._dial()
        self._put = self._server.register_script(PUT)
        self._next = self._server.register_script(NEXT)
        self._look = self._server.register_script(LOOK)
        self._claim = self._server.register_script(CLAIM)
        self._range = self._server.register_script(RANGE)
        self._soonest = self._server.register_script(SOONEST)
        self._latest = self._server.register_script(LATEST)
        self._depths = self._server.register_script(DEPTHS)
        self.clock = ServerClock.clock(self._time)
        self._check_server()

    def transaction(self) -> AbstractContextManager[None]:
        return nullcontext()  # each write is atomic, and as durable as the server makes it

    def insert(self, record: Record) -> bool:
        return self._write(None, record, None)

    def get(self, job_id: str) -> Record | None:
        member, body = self._ask(
            lambda: self._server.hmget(self._key("job", job_id), ["member", "body"])
        )
        return self._record(member, body) if body is not None else None

    def next_ready(self, queues: Iterable[str], now: float) -> Record | None:
        names = tuple(queues)
        found = self._ask(lambda: self._next(keys=[self._prefix], args=[repr(now), *names]))
        return min(self._ready(found), key=in_order, default=None)

    def waiting(self, queue: str) -> int:
        return int(self._ask(lambda: self._server.zcard(self._key("group", "ready", queue))))

    def expired(self, now: float) -> list[Record]:
        return self._up_to("leased", repr(now))

    def swap(self, old: Record, new: Record, complete_key: str | None = None) -> bool:
        return self._write(old, new, complete_key)

    def key_done(self, key: str) -> bool:
        return self._ask(lambda: self._server.zscore(self._key("keys"), key)) is not None

    def next_change_at(self, queues: Iterable[str]) -> float | None:
        names = tuple(queues)
        keys = [self._prefix, self._key("leased")]
        times = self._ask(lambda: self._soonest(keys=keys, args=names))
        return min((float(t) for t in times if t is not None), default=None)

    def last_change_at(self) -> float | None:
        times = self._ask(lambda: self._latest(keys=[self._prefix], args=STATES))
        return max((float(t) for t in times if t is not None), default=None)

    def dead(self, after: Place = FIRST, most: int | None = None) -> list[Record]:
        dead = self._up_to("dead", "+inf")
        return [r for r in dead if (r.ended_at, r.sequence) > after][:most]

    def depths(self, now: float) -> list[Depth]:
        args = [repr(now), *STATES]
        found = self._ask(lambda: self._depths(keys=[self._prefix], args=args))
        rows = sorted((queue.decode(), state.decode(), *rest) for queue, state, *rest in found)
        return [
            Depth(queue, state, held, max(0.0, now - float(first)), waiting, now - float(since))
            for queue, state, held, first, waiting, since in rows
        ]

    def forget(self, done_before: float) -> int:
        forgotten = 0
        limit = f"({done_before!r}"
        old = self._up_to("done", limit)
        for start in range(0, len(old), BATCH):
            batch = old[start : start + BATCH]

            def drop(batch: list[Record] = batch) -> list[Any]:
                with self._server.pipeline(transaction=True) as all_at_once:
                    for record in batch:
                        member = _member(record)
                        all_at_once.delete(self._key("job", record.job.id))
                        all_at_once.zrem(self._key("group", "done", record.job.queue), member)
                        all_at_once.zrem(self._key("done"), member)
                    return all_at_once.execute()

            forgotten += sum(self._ask(drop)[2::3])
        self._ask(lambda: self._server.zremrangebyscore(self._key("keys"), "-inf", limit))
        return forgotten

    def look(self, queues: Iterable[str], now: float, most: int) -> Look:
        args: list[str | int] = [repr(now), most, LOOK_BYTES, *queues]
        expired, found = self._ask(lambda: self._look(keys=[self._prefix], args=args))
        return Look(self._pairs(expired), sorted(self._ready(found), key=in_order)[:most])

    def claim(self, queues: Iterable[str], now: float, proposals: list[Proposal]) -> Claim:
        number = fresh_number()
        writes = [identity(old, new, number) for old, new in proposals]
        packed = [
            (
                old.job.id,
                str(old.version),
                str(new.version),
                repr(due(new)),
                "" if new.job.key is None else f"={new.job.key}",
            )
            for old, new in proposals
        ]
        bodies = [self._encode(new) for _, new in proposals]  # its msgpack knows no bytes
        told: list[str | bytes | int] = [repr(now), self._encode(packed), len(writes)]
        args = [*told, *writes, *bodies, *queues]
        # Sent again, it finds what it has done already; no other write can be meant.
        taken, duplicates = self._ask(lambda: self._claim(keys=[self._prefix], args=args))[:2]
        return Claim(None if taken < 0 else taken, duplicates)

    @contextmanager
    def bell(self, queues: Iterable[str]) -> Iterator[Bell]:
        """Hear of every change in ``queues`` from now on: published by the swap itself.

        It has a connection of its own, which nobody else's trouble hangs up.
        """
        listener = self._dial()
        names = [self._key("changed", queue) for queue in queues]

        def subscribe() -> Any:
            pubsub: Any = listener.pubsub()  # type: ignore[no-untyped-call]
            pubsub.subscribe(*names)
            for _ in names:
                if pubsub.get_message(timeout=self._timeout_s) is None:
                    raise TimedOut("no answer to SUBSCRIBE")
            return pubsub

        try:
            pubsub, _ = persist(subscribe, LOST, listener.connection_pool.disconnect, self._shown)
            yield _Subscription(pubsub)
        finally:
            listener.close()

    def process(self) -> str:  # which one serves: a successor has another name
        return str(self._ask(lambda: self._server.info("server"))["run_id"])[:12]

    def destroy(self) -> None:
        """Remove everything under this store's name, for tests and simulations."""
        pattern = self._prefix.replace("[", "\\[").replace("*", "\\*") + "*"
        for key in self._server.scan_iter(match=pattern, count=1000):
            self._server.delete(key)

    def close(self) -> None:
        self._server.close()

    # -- asking -------------------------------------------------------------------------

    def _time(self) -> float:
        seconds, micros = self._ask(self._server.time)
        return float(seconds + micros / 1e6)

    def _ask(self, send: Callable[[], Any]) -> Any:
        return self._answer(send)[0]

    def _answer(self, send: Callable[[], Any]) -> tuple[Any, bool]:
        try:
            return persist(send, LOST, self._server.connection_pool.disconnect, self._shown)
        except (DataError, ValueError) as error:
            raise RecordRefused(self._shown, of_redis(error)) from error
        except (RedisError, Unanswered) as error:
            failed = of_redis(error.__cause__ or error)
            if isinstance(error, Unanswered) and not failed.environment:
                raise
            raise ServerError(self._shown, failed) from error

    def _write(self, old: Record | None, new: Record, complete_key: str | None) -> bool:
        job, write = new.job, identity(old, new)
        keys = [
            self._key("job", job.id),
            self._key("sequence"),
            self._place(new),
            self._key("group", new.state, job.queue),
            self._key("keys"),
            self._key("queues"),
            self._key("priorities", job.queue),
            self._key("latest"),
        ]
        values: list[str | bytes | int] = [
            "" if old is None else old.version,
            new.version,
            write,
            self._encode(new),
            job.id,
            repr(due(new)),
            repr(new.enqueued_at),
            job.queue,
            job.priority,
            self._key("changed", job.queue) if new.state in ("ready", "leased") else "",
            int(complete_key is not None),
            complete_key or "",
            repr(new.ended_at),
        ]
        (done, version, found), doubtful = self._answer(lambda: self._put(keys=keys, args=values))
        if done:
            return True
        held = Held(int(version), found.decode()) if int(version) >= 0 else NO_RECORD
        return took_effect(new.version, write, held, doubtful)

    def _records(self, send: Callable[[], Any]) -> list[Record]:
        return self._pairs(self._ask(send))

    def _pairs(self, flat: list[bytes]) -> list[Record]:
        return [self._record(*pair) for pair in zip(flat[::2], flat[1::2], strict=True)]

    def _ready(self, flat: list[bytes]) -> list[Record]:
        """Ready records; when they are due is what the server goes by."""
        return [
            replace(self._record(member, body), ready_at=float(due_at))
            for member, body, due_at in zip(flat[::3], flat[1::3], flat[2::3], strict=True)
        ]

    def _record(self, member: bytes, body: bytes) -> Record:
        sequence = int(member[:SEQUENCE_DIGITS])
        try:
            return replace(self._decode(body), sequence=sequence)
        except UNREADABLE as error:
            return stand_in(self._outline(member, sequence), body, error)

    def _outline(self, member: bytes, sequence: int) -> Outline:
        job_id = member[SEQUENCE_DIGITS + 1 :].decode()
        fields = ["version", "place", "group"]
        version, place, group = self._ask(
            lambda: self._server.hmget(self._key("job", job_id), fields)
        )
        due_at, since = (
            float(self._ask(lambda: self._server.zscore(key, member)))  # noqa: B023
            for key in (place, group)
        )
        # The group is named group:STATE:QUEUE, a ready job's place ready:PRIORITY:QUEUE.
        _, state, queue = group.decode().removeprefix(self._prefix).split(":", 2)
        named = place.decode().removeprefix(self._prefix).split(":", 2)
        priority = int(named[1]) if state == "ready" else 0
        return Outline(job_id, queue, priority, state, due_at, since, int(version), sequence)

    def _up_to(self, place: str, limit: str) -> list[Record]:
        keys = [self._prefix, self._key(place)]
        return self._records(lambda: self._range(keys=keys, args=[limit]))

    def _key(self, *parts: str) -> str:
        return self._prefix + ":".join(parts)

    def _place(self, record: Record) -> str:
        if record.state == "ready":
            return self._key("ready", str(record.job.priority), record.job.queue)
        return self._key(record.state)

    def _dial(self) -> redis.Redis:
        try:
            return redis.Redis.from_url(
                self._url,
                socket_timeout=self._timeout_s,
                socket_connect_timeout=self._timeout_s,
                retry=Retry(NoBackoff(), 0),  # repeating is our business: see doubt
                protocol=2,
            )
        except ValueError as error:
            raise StoreError(
                f"expected the URL of a Redis server, found {self._shown!r}: {error}; "
                "write it as redis://HOST:PORT/DATABASE"
            ) from None

    def _check_server(self) -> None:
        memory = self._ask(lambda: self._server.info("memory"))
        policy = memory.get("maxmemory_policy", "noeviction")
        if memory.get("maxmemory") and policy != "noeviction":
            raise StoreError(
                f"expected a Redis that keeps what it is given, found maxmemory-policy {policy}, "
                "which drops jobs when memory is full; set it to noeviction"
            )
        key = self._key("format")
        found = self._ask(lambda: self._server.get(key))
        if found is None:  # a full memory refuses each SET, of what is there already as well
            self._ask(lambda: self._server.set(key, FORMAT, nx=True))
            found = self._ask(lambda: self._server.get(key))
        if found != FORMAT.encode():
            raise StoreError(
                f"expected a queue of format {FORMAT}, found {found!r} under {self._prefix} in "
                f"{self._shown}; use another name, or the jobquake that wrote this one"
            )


class _Subscription:
    """The bell of a :class:`RedisStore`: each message is the time of what may happen."""

    def __init__(self, pubsub: Any) -> None:
        self._pubsub = pubsub

    def wait(self, timeout_s: float) -> float | None:
        try:
            message = self._pubsub.get_message(timeout=max(0.0, timeout_s))
        except LOST as error:
            raise Unanswered(f"expected word of a change, found none: {error}") from error
        return float(message["data"]) if message else None


def _member(record: Record) -> str:
    return f"{record.sequence:0{SEQUENCE_DIGITS}}:{record.job.id}"
