"""Huey from the outside: its worker command, and what its Redis holds.

A task lies in a list (or, with priorities, in a sorted set) until a worker takes it off, and from
then on in the worker alone. What is to run later is in the schedule. A task that failed for good
leaves its error among the results, if results are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from msgspec.structs import replace

from ....backends.claims import Claims
from ....protocol.commands import Inspected
from ...brokers.pickled import string_behind
from ...brokers.redis import Redis, opened
from ...brokers.resp import Passing, RedisCalls, Words, words_of
from ...library import LEAST, Finding, Held, Looked, Recovery
from . import TITLE

QUEUE, SCHEDULE = "huey.redis.", "huey.schedule."
RESULTS, RESULT = "huey.results.", "huey.r."  # of the hash, and of results that expire
TAKES = (b"BRPOP", b"RPOP", b"BZPOPMIN", b"ZPOPMIN")
PREFIX = 8  # bytes before a task that has a priority
NOTHING = "nothing brings back what a dead worker held: a task leaves its list before it runs"
DOCS = "https://huey.readthedocs.io/en/latest/"


class Huey:
    """See :class:`...library.Library`."""

    name: ClassVar[str] = "huey"
    title: ClassVar[str] = TITLE
    own_task: ClassVar[str] = "jobquake.play"
    notices_s: ClassVar[float] = 10.0  # huey.consumer: health_check_interval

    def framing(self, looked: Looked) -> RedisCalls:
        return RedisCalls(Commands)

    def claims(self, looked: Looked) -> Claims:
        return replace(LEAST, delays=True)

    def recovery(self, looked: Looked) -> Recovery:
        return Recovery(0.0, NOTHING)

    def worker(
        self, python: str, target: str, looked: Looked, queues: Sequence[str], number: int
    ) -> list[str]:
        return [python, "-m", "huey.bin.huey_consumer", target.replace(":", ".")]

    def held(self, looked: Looked, address: str) -> Held:
        with opened(looked.broker, address) as redis:
            now = redis.now()
            jobs = dict(_failed(redis, looked)) | dict(_scheduled(redis, looked, now))
            return Held(jobs | dict(_queued(redis, looked)), now)

    def examine(self, looked: Looked) -> list[Finding]:
        return list(_findings(looked))


class Commands:
    """Huey's commands on Redis; see :class:`...brokers.resp.Reader`."""

    def request(self, words: Words) -> Passing | None:
        command, key = words[0].upper(), words[1] if len(words) > 1 else b""
        if command in (b"LPUSH", b"ZADD") and key.startswith((QUEUE.encode(), SCHEDULE.encode())):
            job = _identifier(words[-1])
            told = f"sent {command.decode()} {key.decode(errors='replace')} with it"
            return Passing("enqueue", job, told) if job else None
        if command in TAKES and key.startswith(QUEUE.encode()):
            return Passing("lease", "", "asked for a task")  # which one, its answer tells
        return None

    def reply(self, words: Words, reply: bytes) -> Passing | None:
        command = words[0].upper()
        if command not in TAKES or reply[:1] not in b"$*" or reply[1:2] == b"-":
            return None
        found = words_of(b"*1\r\n" + reply) if reply[:1] == b"$" else words_of(reply)
        job = next((name for word in found if (name := _identifier(word))), "")
        told = f"Redis answered {command.decode()} with it, after which nothing holds it"
        between = f"after {command.decode()} had answered with it"
        return Passing("lease", job, told, between=between) if job else None


def _queued(redis: Redis, looked: Looked) -> Iterator[tuple[str, Inspected]]:
    key = QUEUE + str(looked.settings["name"])
    command = "ZRANGE" if redis.ask("TYPE", key) == b"zset" else "LRANGE"
    for task in redis.ask(command, key, 0, -1):
        if job := _identifier(task):
            yield job, Inspected("ready", where=f"the queue {key}")


def _scheduled(redis: Redis, looked: Looked, now: float) -> Iterator[tuple[str, Inspected]]:
    key = SCHEDULE + str(looked.settings["name"])
    flat = redis.ask("ZRANGE", key, 0, -1, "WITHSCORES")
    for task, at in zip(flat[::2], flat[1::2], strict=True):
        if job := _identifier(task):
            yield job, Inspected("ready", where=f"{key}", due_s=max(0.0, float(at) - now))


def _failed(redis: Redis, looked: Looked) -> Iterator[tuple[str, Inspected]]:
    """Of the results, those that are errors: what succeeded need not leave any."""
    name = looked.settings["name"]
    flat = redis.ask("HGETALL", f"{RESULTS}{name}")
    kept = dict(zip(flat[::2], flat[1::2], strict=True))
    start = f"{RESULT}{name}."
    kept |= {key[len(start) :].encode(): redis.ask("GET", key) for key in redis.names(f"{start}*")}
    for job, result in kept.items():
        if result and (reason := string_behind(result, "error")):
            where = f"the results, as its error: {reason}"
            yield job.decode(errors="replace"), Inspected("dead", reason=reason, where=where)


def _findings(looked: Looked) -> Iterator[Finding]:
    yield Finding(
        "no accepted work is lost when a worker dies",
        f"none: {NOTHING}",
        "stop consumers with SIGINT, which lets tasks end; and write down elsewhere what was "
        "ordered, so that what has no effect can be enqueued anew",
        "worker-kill-before-ack --kill worker",
        f"{DOCS}consumer.html",
    )
    if not looked.of_task.get("retries"):
        yield Finding(
            "a task that failed is run again",
            "retries=0: its error is its result",
            "give the task retries=... and retry_delay=...",
            "retry-storm",
            f"{DOCS}guide.html",
        )
    if not looked.settings.get("results"):
        yield Finding(
            "what failed for good is kept",
            "results=False: nothing but the log knows of an error",
            "leave results on",
            "permanent-failure",
            f"{DOCS}api.html",
        )
    if not looked.of_task.get("timeout"):
        yield Finding(
            "a task that hangs gives its worker back",
            "timeout is not set",
            "give the task timeout=..., and start consumers with -k process or -k greenlet: "
            "threads are not interrupted",
            "stuck-job",
            f"{DOCS}guide.html",
        )


def _identifier(task: bytes) -> str:
    """The task's id: the first field of its message, behind the name of the message's class."""
    whole = task if task[:1] == b"\x80" else task[PREFIX:]
    return string_behind(whole, "Message") if whole[:1] == b"\x80" else ""


LIBRARY = Huey()
