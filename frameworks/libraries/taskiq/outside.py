"""taskiq from the outside: its worker command, what its brokers promise, what its Redis holds.

On a list a message is popped, and from then on in the worker alone. In a stream a message that was
handed out is pending until its ack. When a worker has fetched something new, and only then, it
claims what is pending for longer than ``idle_timeout``, whoever had it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import ClassVar

from ....backends.claims import Claims
from ....protocol.commands import Inspected
from ...brokers.redis import Redis, RedisError, opened
from ...brokers.resp import Passing, RedisCalls, Words
from ...library import LEAST, Finding, Held, Looked, Recovery
from . import TITLE

STREAM = "RedisStreamBroker"
IDLE_S, BLOCK_S, GROUP = 600.0, 2.0, "taskiq"  # taskiq_redis.RedisStreamBroker
PAGE = 10_000
NOTHING = "nothing brings back what a dead worker held: a message leaves the list before it runs"
NEXT = "and not before a worker fetches something new"
DOCS = "https://taskiq-python.github.io/available-components/brokers.html"
GUIDE = "https://taskiq-python.github.io/available-components/middlewares.html"
# How a message of a stream stands in a reply: its id, and its one field.
ENTRY = re.compile(rb"\r\n(\d+-\d+)\r\n[*%]\d+\r\n\$4\r\ndata\r\n\$\d+\r\n([^\r\n]*)")
POPPED = re.compile(rb"\r\n(\{[^\r\n]*\})\r\n")


class Taskiq:
    """See :class:`...library.Library` and :class:`...library.LooksWhenNew`."""

    name: ClassVar[str] = "taskiq"
    title: ClassVar[str] = TITLE
    own_task: ClassVar[str] = "jobquake.play"
    notices_s: ClassVar[float] = 5.0

    def framing(self, looked: Looked) -> RedisCalls:
        return RedisCalls(Commands)

    def claims(self, looked: Looked) -> Claims:
        return LEAST

    def recovery(self, looked: Looked) -> Recovery:
        if not _is_stream(looked):
            return Recovery(0.0, NOTHING)
        return Recovery(
            _idle_s(looked) + _block_s(looked),
            f"{_idle_s(looked):g} s after it was handed out (idle_timeout), {NEXT}",
        )

    def worker(
        self, python: str, target: str, looked: Looked, queues: Sequence[str], number: int
    ) -> list[str]:
        return [python, "-m", "taskiq", "worker", target]

    def held(self, looked: Looked, address: str) -> Held:
        read = _of_stream if _is_stream(looked) else _of_list
        with opened(looked.broker, address) as redis:
            return Held(dict(read(redis, looked)), redis.now())

    def nudge(self, looked: Looked, address: str) -> None:
        """A message of a task that nobody has, which a worker acknowledges with a warning."""
        if not _is_stream(looked):
            return
        nothing = {"task_id": "nothing", "task_name": "jobquake.nothing", "labels": {}}
        body = json.dumps({**nothing, "args": [], "kwargs": {}})
        with opened(looked.broker, address) as redis:
            redis.ask("XADD", looked.queue, "*", "data", body)

    def examine(self, looked: Looked) -> list[Finding]:
        return list(_findings(looked, self.recovery(looked)))


class Commands:
    """taskiq's commands on Redis; see :class:`...brokers.resp.Reader`.

    In a stream a message has an id of its own, by which it is acknowledged.
    """

    def __init__(self) -> None:
        self._jobs: dict[bytes, str] = {}

    def request(self, words: Words) -> Passing | None:
        command = words[0].upper()
        if command in (b"LPUSH", b"XADD"):
            job = _identifier(words[-1])
            return Passing("enqueue", job, f"sent {command.decode()} with it") if job else None
        if command == b"XACK":
            job = self._jobs.get(words[-1], "")
            return Passing("ack", job, "sent XACK of it") if job else None
        if command in (b"BRPOP", b"XREADGROUP"):
            return Passing("lease", "", "asked for a message")  # which one, its answer tells
        return None

    def reply(self, words: Words, reply: bytes) -> Passing | None:
        command = words[0].upper().decode(errors="replace")
        if command == "BRPOP":
            found = [job for body in POPPED.findall(reply) if (job := _identifier(body))]
            told = "Redis answered BRPOP with it, after which nothing holds it"
            between = "after BRPOP had answered with it"
            return Passing("lease", found[-1], told, between=between) if found else None
        if command not in ("XREADGROUP", "XAUTOCLAIM", "EXEC"):
            return None
        named = {entry: job for entry, body in ENTRY.findall(reply) if (job := _identifier(body))}
        self._jobs |= named
        told, between = f"Redis answered {command} with it", f"after {command} had answered with it"
        jobs = list(named.values())
        return Passing("lease", jobs[-1], told, between=between) if jobs else None


def _of_list(redis: Redis, looked: Looked) -> Iterator[tuple[str, Inspected]]:
    for body in redis.ask("LRANGE", looked.queue, 0, -1):
        if job := _identifier(body):
            yield job, Inspected("ready", where=f"the list {looked.queue}")


def _of_stream(redis: Redis, looked: Looked) -> Iterator[tuple[str, Inspected]]:
    """What is behind the last one that was handed out, and what is pending; all else is done."""
    stream, group = looked.queue, str(looked.settings.get("consumer_group_name") or GROUP)
    try:
        groups = redis.ask("XINFO", "GROUPS", stream)
    except RedisError:
        return  # nobody has sent anything yet
    last = next(
        (_pairs(one)[b"last-delivered-id"] for one in groups if _name(one) == group), b"0-0"
    )
    pending = {
        entry: (consumer.decode(errors="replace")[:8], int(idle) / 1000, int(times))
        for entry, consumer, idle, times in redis.ask("XPENDING", stream, group, "-", "+", PAGE)
    }
    for entry, fields in redis.ask("XRANGE", stream, "-", "+"):
        job = _identifier(fields[1])
        if not job:
            continue
        if entry in pending:
            consumer, idle_s, times = pending[entry]
            where = f"{stream}, pending for {idle_s:.0f} s at {consumer}, handed out {times} times"
            yield job, Inspected("leased", where=where)
        elif _order(entry) > _order(last):
            yield job, Inspected("ready", where=f"the stream {stream}")
        else:
            yield job, Inspected("done", where=f"{stream}, acknowledged")


def _findings(looked: Looked, recovery: Recovery) -> Iterator[Finding]:
    if not _is_stream(looked):
        yield Finding(
            "no accepted work is lost when a worker dies",
            f"{looked.settings.get('broker')}: {NOTHING}",
            "use RedisStreamBroker, which knows acks, and make tasks safe to repeat",
            "worker-kill-before-ack --kill worker",
            DOCS,
        )
    else:
        yield Finding(
            "what a dead worker held is run again soon",
            f"idle_timeout: {recovery.why}",
            "set idle_timeout to a little more than the longest task takes, in milliseconds; where "
            "messages are rare, send one now and then",
            "worker-kill-before-ack --kill worker",
            DOCS,
        )
        yield Finding(
            "a task that is still running is not run again",
            f"idle_timeout={_idle_s(looked):g} s: what takes longer, or waits for so long in a "
            "worker that has fetched it, is claimed by another",
            "keep idle_timeout above the longest task and its wait; lower xread_count where tasks "
            "are slow",
            "slow-job-flood",
            DOCS,
        )
    if not looked.settings.get("retries"):
        yield Finding(
            "a task that failed is run again",
            "no retry middleware: a task that raised is acknowledged",
            "add SimpleRetryMiddleware or SmartRetryMiddleware, and the label retry_on_error=True",
            "retry-storm",
            GUIDE,
        )
    if looked.settings.get("results") == "DummyResultBackend":
        yield Finding(
            "what failed for good is kept",
            "no result backend: nothing but the log knows of an error",
            "give the broker with_result_backend(...)",
            "permanent-failure",
            "https://taskiq-python.github.io/available-components/result-backends.html",
        )


def _is_stream(looked: Looked) -> bool:
    return looked.settings.get("broker") == STREAM


def _idle_s(looked: Looked) -> float:
    return float(looked.settings.get("idle_timeout", IDLE_S * 1000)) / 1000


def _block_s(looked: Looked) -> float:
    return float(looked.settings.get("block") or BLOCK_S * 1000) / 1000


def _pairs(flat: list[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _name(group: list[bytes]) -> str:
    return _pairs(group)[b"name"].decode(errors="replace")


def _order(entry: bytes) -> tuple[int, int]:
    milliseconds, _, number = entry.partition(b"-")
    return int(milliseconds), int(number)


def _identifier(body: bytes) -> str:
    try:
        message = json.loads(body)
    except ValueError:
        return ""
    return str(message.get("task_id", "")) if isinstance(message, dict) else ""


LIBRARY = Taskiq()
