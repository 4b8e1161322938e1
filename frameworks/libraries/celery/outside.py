"""Celery from the outside: its worker command, what its settings promise, what its Redis holds.

What is another matter on RabbitMQ is in :mod:`.on_rabbitmq`. On Redis a message lies in a list
until a worker takes it; then it lies in the hash ``unacked``, and the sorted set ``unacked_index``
has the time at which it was taken, until its ack. Whatever lies there longer than the visibility
timeout is put back by some worker's sweep.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from msgspec.structs import replace

from ....backends.claims import Claims
from ....backends.system import Framing
from ....protocol.commands import Inspected
from ...brokers.rabbitmq import RECOVERY_S, RECOVERY_WHY
from ...brokers.redis import Redis, opened, place_of
from ...brokers.resp import Passing, RedisCalls, Words, words_of
from ...library import LEAST, Finding, Held, Looked, Recovery
from . import TITLE, on_rabbitmq
from .advice import findings

VISIBILITY_S = 3600.0  # kombu.transport.redis.Channel
SWEEP_S, EVERY_NTH_SWEEP = 10.0, 10
MUTEX, MUTEX_S = "unacked_mutex", 300.0  # who sweeps holds it, and if he dies, until it expires
SEEN_WITHIN_S = 60.0  # so long does a run wait for a task that hangs
RESULT = "celery-task-meta-"
LOST = ("WorkerLostError",)
TAKES = (b"BRPOP", b"RPOP")
DOCS = "https://docs.celeryq.dev/en/stable/"


class Celery:
    """See :class:`...library.Library`."""

    name: ClassVar[str] = "celery"
    title: ClassVar[str] = TITLE
    notices_s: ClassVar[float] = 12.0  # billiard.pool.LOST_WORKER_TIMEOUT is 10 s
    renames: ClassVar[bool] = True
    own_task: ClassVar[str] = "jobquake.play"

    def framing(self, looked: Looked) -> Framing:
        return on_rabbitmq.framing() if on_rabbitmq.is_it(looked) else RedisCalls(Commands)

    def claims(self, looked: Looked) -> Claims:
        bounded_s = float(looked.setting("time_limit") or 0.0)
        return replace(LEAST, delays=True, timeouts=0.0 < bounded_s <= SEEN_WITHIN_S)

    def recovery(self, looked: Looked) -> Recovery:
        if on_rabbitmq.is_it(looked):
            return Recovery(RECOVERY_S, RECOVERY_WHY)
        visibility_s, sweep_s = (
            _option(looked, "visibility_timeout", VISIBILITY_S),
            _sweep_s(looked),
        )
        mutex_s = _option(looked, "unacked_mutex_expire", MUTEX_S)
        return Recovery(
            visibility_s + sweep_s + mutex_s,
            f"visibility_timeout={visibility_s:g}, then a worker's sweep every {sweep_s:g} s, and "
            f"none for {mutex_s:g} s after one died in its sweep",
        )

    def worker(
        self, python: str, target: str, looked: Looked, queues: Sequence[str], number: int
    ) -> list[str]:
        command = [python, "-m", "celery", "-A", target, "worker", "-l", "INFO"]
        command += ["-n", f"w{number + 1}@jobquake"]
        return command + (["-Q", ",".join(queues)] if queues else [])

    def held(self, looked: Looked, address: str) -> Held:
        if on_rabbitmq.is_it(looked):
            return on_rabbitmq.held(looked, address)
        with opened(looked.broker, address) as redis:
            jobs = dict(_results(redis, looked, address))
            jobs |= dict(self._unacked(redis, looked)) | dict(_queued(redis))
            return Held(jobs, redis.now())

    def _unacked(self, redis: Redis, looked: Looked) -> Iterator[tuple[str, Inspected]]:
        """What workers have taken and not acknowledged, living or dead."""
        now, visibility_s = redis.now(), _option(looked, "visibility_timeout", VISIBILITY_S)
        sweep_s = _sweep_s(looked) + max(0, redis.ask("PTTL", MUTEX)) / 1000
        for tag, body in _pairs(redis.ask("HGETALL", "unacked")):
            score = redis.ask("ZSCORE", "unacked_index", tag)
            identifier = _identifier(json.loads(body)[0])
            if score is None:
                yield identifier, Inspected("leased", where="unacked, but not unacked_index")
                continue
            due_s = float(score) + visibility_s - now
            where = (
                f"the hash unacked, since {now - float(score):.1f} s; "
                f"visibility_timeout={visibility_s:g}"
            )
            yield identifier, Inspected("leased", where=where, due_s=max(0.0, due_s) + sweep_s)

    def examine(self, looked: Looked) -> list[Finding]:
        if on_rabbitmq.is_it(looked):
            return list(on_rabbitmq.findings(looked))
        visibility_s = _option(looked, "visibility_timeout", VISIBILITY_S)
        return list(findings(looked, visibility_s, _sweep_s(looked)))


class Commands:
    """Celery's commands on Redis; see :class:`...brokers.resp.Reader`.

    A message that was taken has a tag of its own, by which it is acknowledged.
    """

    def __init__(self) -> None:
        self._jobs: dict[bytes, str] = {}

    def request(self, words: Words) -> Passing | None:
        command = words[0].upper()
        if command == b"LPUSH" and len(words) > 2:
            return _passing("enqueue", _identifier(_message(words[2])), "sent LPUSH with it")
        if command == b"HSET" and words[1] == b"unacked" and len(words) > 3:
            message = _message(words[3])
            job = _identifier(message[0] if isinstance(message, list) and message else None)
            self._jobs[words[2]] = job
            return _passing("", job, "sent HSET unacked with it")
        if command == b"HDEL" and words[1] == b"unacked" and len(words) > 2:
            job = self._jobs.get(words[2], "")
            return _passing("ack", job, "sent HDEL unacked, which ends it")
        if command in TAKES:
            return Passing("lease", "", "asked for a message")  # of which job its answer tells
        return None

    def reply(self, words: Words, reply: bytes) -> Passing | None:
        if words[0].upper() not in TAKES:
            return None
        command = words[0].decode().upper()
        found = words_of(reply)
        job = _identifier(_message(found[-1])) if found else ""
        told = f"Redis answered {command} with it, after which HSET unacked has to follow"
        between = f"after {command} had answered with it and before HSET unacked was sent"
        return _passing("lease", job, told, between)


def _passing(call: str, job: str, words: str, between: str = "") -> Passing | None:
    return Passing(call, job, words, between=between) if job else None


def _option(looked: Looked, name: str, otherwise: float) -> float:
    options = looked.settings.get("broker_transport_options") or {}
    return float(options.get(name, otherwise))


def _sweep_s(looked: Looked) -> float:
    """How often a worker looks what has been unacknowledged for too long."""
    every_s = _option(looked, "unacked_restore_interval", SWEEP_S)
    return every_s * _option(looked, "unacked_restore_throttle", EVERY_NTH_SWEEP)


def _pairs(flat: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _queued(redis: Redis) -> Iterator[tuple[str, Inspected]]:
    """What lies in lists and waits for a worker."""
    for key in redis.names():
        if redis.ask("TYPE", key) != b"list":
            continue
        for body in redis.ask("LRANGE", key, 0, -1):
            if identifier := _identifier(_message(body)):
                queue = key.partition("\x06\x16")[0]
                yield identifier, Inspected("ready", where=f"the queue {queue}")


def _message(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _identifier(message: Any) -> str:
    if not isinstance(message, dict):
        return ""
    headers, properties = message.get("headers") or {}, message.get("properties") or {}
    return str(headers.get("id") or properties.get("correlation_id") or "")


def _results(redis: Redis, looked: Looked, address: str) -> Iterator[tuple[str, Inspected]]:
    """What the result backend says, where it is a Redis in the place of the broker's."""
    if not looked.results.startswith(("redis://", "rediss://")):
        return
    place = place_of(looked.results)
    results = Redis(address, place.database, place.password, place.user)
    try:
        for key in results.names(f"{RESULT}*"):
            said = _message(results.ask("GET", key) or b"null")
            if isinstance(said, dict):
                yield key.removeprefix(RESULT), _result(said)
    finally:
        results.close()


def _result(said: dict[str, Any]) -> Inspected:
    status, result = said.get("status"), said.get("result")
    if status == "SUCCESS":
        return Inspected("done", where="the result backend: SUCCESS")
    if status != "FAILURE":
        return Inspected(None, where=f"the result backend: {status}")
    kind = result.get("exc_type", "") if isinstance(result, dict) else ""
    where = f"the result backend: FAILURE, {kind}"
    if kind in LOST:
        return Inspected(None, where=where)  # nothing can run it again, and it never failed itself
    return Inspected("dead", reason=where, where=where)


LIBRARY = Celery()
